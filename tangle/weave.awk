# weave.awk - from noweb's view of the book to one pandoc Markdown per chapter
# and one Lua table of chunks and identifiers.
#
#   markup -t CHAPTER... | finduses | awk -f weave.awk
#       -v out=DIR        where SLUG.md and chunks.lua go
#       -v generated=DIR  the tangled files, to say where a chunk ends up
#
# A chunk becomes a code block with the class nw and its id; a chunk's use in
# it becomes the word ZuseNZ, which the Lua filter replaces with a link after
# highlighting.

BEGIN { read_generated() }

function read_generated(    manifest, line, path, file, n, name, k) {
    manifest = generated "/MANIFEST"
    while ((getline line < manifest) > 0) {
        path = line
        sub(/^[0-9]+ [0-9]+ /, "", path)
        file = generated "/" path
        n = 0
        place[path, 1] = path "\t1"
        while ((getline line < file) > 0) {
            n++
            if (!match(line, /^ *\/\* <<[^<>]*>> \([0-9]+ of [0-9]+\), /)) continue
            name = substr(line, RSTART, RLENGTH)
            sub(/^ *\/\* <</, "", name)
            k = name
            sub(/>>.*$/, "", name)
            sub(/^.*>> \(/, "", k); sub(/ of.*$/, "", k)
            place[name, k] = place[name, k] (place[name, k] == "" ? "" : "\n") path "\t" n
        }
        close(file)
    }
}

/^@file / {
    file = substr($0, 7)
    slug = file
    sub(/^.*\//, "", slug); sub(/\.md$/, "", slug); sub(/^[0-9][0-9]-/, "", slug)
    last_line()
    md = out "/" slug ".md.new"
    printf "" > md
    held = ""; holding = 0; text = ""; skip_fence = 0
    next
}
/^@begin docs/ { where = "docs"; text = ""; next }
/^@end docs/   { if (text != "") prose(text); text = ""; next }
/^@begin code/ { where = "code"; code = ""; text = ""; first = 1; next }
/^@end code/   { end_code(); where = ""; next }
/^@quote$/     { text = text "[["; next }
/^@endquote$/  { text = text "]]"; next }
/^@text /      { text = text substr($0, 7); next }
/^@defn /      { begin_part(substr($0, 7)); next }
/^@use /       {
    nplaces++
    use_of[nplaces] = substr($0, 6)
    used_in[use_of[nplaces]] = used_in[use_of[nplaces]] " " id
    text = text "Zuse" nplaces "Z"
    next
}
/^@index defn / { define(substr($0, 13)); next }
/^@index use /  { use_ident(substr($0, 12)); next }
/^@nl$/ {
    if (where == "docs") prose(text)
    else if (first) first = 0          # the rest of the line <<name>>=
    else code = code text "\n"
    text = ""
    next
}

# One line of prose is held back, because the fence before a chunk is not ours
# to print: the chunk brings its own.
function prose(line) {
    if (skip_fence) {
        if (line ~ /^ *```+ *$/) { skip_fence = 0; return }
        if (line ~ /^ *$/) return
        skip_fence = 0
    }
    if (holding) print held > md
    held = line; holding = 1
}

function last_line() {
    if (md == "") return
    if (holding) print held > md
    close(md)
}

function begin_part(name,    base) {
    if (!(name in slug_of)) {
        base = tolower(name)
        gsub(/[^a-z0-9]+/, "-", base)
        gsub(/^-|-$/, "", base)
        while (base in taken) base = base "x"
        taken[base] = 1
        slug_of[name] = base
        names[++nnames] = name
    }
    parts[name]++
    id = "chunk-" slug_of[name] "-" parts[name]
    part_name[id] = name; part_number[id] = parts[name]; part_slug[id] = slug
    ids[++nids] = id
    language = held
    sub(/^ *```+ */, "", language)
    holding = 0
}

function end_code() {
    print "````` {#" id " ." language " .nw}" > md
    printf "%s", code > md
    print "`````" > md
    skip_fence = 1
}

function define(ident) {
    if (index(" " defines[id] " ", " " ident " ")) return
    defines[id] = defines[id] " " ident
    if (!(ident in ident_defs)) idents[++nidents] = ident
    ident_defs[ident] = ident_defs[ident] " " id
}

function use_ident(ident) {
    if (where != "code" || index(ident_uses[ident] " ", " " id " ")) return
    ident_uses[ident] = ident_uses[ident] " " id
}

function q(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }

function list(words,    n, i, w, seen, s) {
    n = split(words, w, " "); s = ""
    split("", seen)
    for (i = 1; i <= n; i++) if (!(w[i] in seen)) { seen[w[i]] = 1; s = s q(w[i]) "," }
    return "{" s "}"
}

function places(name, k,    n, i, p, f, s) {
    n = split(place[name, k], p, "\n"); s = ""
    for (i = 1; i <= n; i++) { split(p[i], f, "\t"); s = s "{" q(f[1]) "," f[2] "}," }
    return "{" s "}"
}

END {
    last_line()
    lua = out "/chunks.lua.new"
    print "return {" > lua
    print "parts={" > lua
    for (i = 1; i <= nids; i++) {
        id = ids[i]; name = part_name[id]; k = part_number[id]
        printf "[%s]={id=%s,name=%s,part=%d,parts=%d,slug=%s,order=%d,root=%s,used=%s,defs=%s,at=%s},\n",
            q(id), q(id), q(name), k, parts[name], q(part_slug[id]), i, (name ~ /\//) ? "true" : "false",
            list(used_in[name]), list(defines[id]), places(name, k) > lua
    }
    print "},\norder=" list_of(ids, nids) ",\nslug={" > lua
    for (i = 1; i <= nnames; i++) printf "[%s]=%s,", q(names[i]), q(slug_of[names[i]]) > lua
    print "},\nplaceholder={" > lua
    for (i = 1; i <= nplaces; i++) printf "%s,", q(use_of[i]) > lua
    print "},\nidents={" > lua
    for (i = 1; i <= nidents; i++)
        printf "[%s]={defs=%s,uses=%s},\n", q(idents[i]), list(ident_defs[idents[i]]), list(ident_uses[idents[i]]) > lua
    print "}}" > lua
}

function list_of(a, n,    i, s) {
    s = ""
    for (i = 1; i <= n; i++) s = s q(a[i]) ","
    return "{" s "}"
}
