# check.awk - every mistake an author can make in a chapter, as FILE:LINE: MESSAGE.
#
#   awk -f check.awk [-v whole=1] [-v facts=FILE] [-v bib=FILE] CHAPTER...
#
# whole=1   the arguments are the whole book: references are checked too
# facts     where to write what the chapters define, for tangle and weave:
#             chapter  slug number title file
#             part     number title slug (of its first chapter)
#             section  slug id level title
#             label    kind name slug number
#             pitfall  slug number title
#             chunk    name part parts file line title root
#
# Runs under any POSIX awk with LC_ALL=C. Exit status 1 after any mistake.

function complain(line, message) {
    printf "%s:%d: %s\n", file, line, message | "sort -t: -k1,1 -k2,2n -u >&2"
    mistakes++
}

function complain_in(where, line, message,    saved) {
    saved = file; file = where; complain(line, message); file = saved
}

# --- one file after another ------------------------------------------------

function begin_file() {
    file = FILENAME
    slug = file
    sub(/^.*\//, "", slug); sub(/\.md$/, "", slug)
    number = ""
    if (match(slug, /^[0-9][0-9]-/)) {
        number = substr(slug, 1, 2) + 0
        if (number >= 90) number = substr("ABCDEFGHIJ", number - 89, 1)         # an appendix
        slug = substr(slug, 4)
    }
    dir = file
    if (!sub(/\/[^\/]*$/, "", dir)) dir = "."
    state = "prose"; title = ""; divs = steps_div = 0; para = ""; para_lines = 0
    figures = tables = exercises = pitfalls = 0
    files[++nfiles] = file; file_slug[file] = slug; order[file] = nfiles; file_number[file] = number ~ /[A-Z]/ ? "" : number
    if (slug in slug_file) complain(1, "the slug '" slug "' is taken by " slug_file[slug])
    slug_file[slug] = file
}

function end_file(    name) {
    if (file == "") return
    end_paragraph()
    if (state == "code")
        complain(chunk_line, "missing '@': chunk <<" chunk ">> runs to the end of the file")
    else if (state == "fence")
        complain(fence_line, "this code fence is never closed")
    while (divs > 0) {
        complain(div_line[divs], "this ::: block is never closed; end it with ':::'")
        divs--
    }
    if (title == "")
        complain(1, "a chapter begins with its title: '# Title {#" slug "}'")
    for (name in note_used) if (!(name in note_defined))
        complain(note_used[name], "footnote [^" name "] is not defined in this chapter")
    for (name in note_defined) if (!(name in note_used))
        complain(note_defined[name], "footnote [^" name "] is defined and never used")
    split("", note_used); split("", note_defined)
    if (facts != "") printf "chapter\t%s\t%s\t%s\t%s\n", slug, number, title, file > facts
}

FNR == 1 { end_file(); begin_file() }

# --- what no line may have ---------------------------------------------------

FNR == 1 && /^\357\273\277/ {
    complain(FNR, "a byte order mark; save the file as UTF-8 without BOM")
    $0 = substr($0, 4)
}
/\r/ {
    complain(FNR, "a carriage return; save the file with LF line ends")
    gsub(/\r/, "")
}
/\t/ { complain(FNR, "a tab; indent with spaces") }
/[\200-\377]/ {
    rest = $0
    gsub(/[\302-\337][\200-\277]/, "", rest)
    gsub(/[\340-\357][\200-\277][\200-\277]/, "", rest)
    gsub(/[\360-\364][\200-\277][\200-\277][\200-\277]/, "", rest)
    if (rest ~ /[\200-\377]/) complain(FNR, "bytes that are not UTF-8")
}

# --- code: from <<name>>= to @ -----------------------------------------------

function begin_chunk(line,    name) {
    name = line
    sub(/^<</, "", name); sub(/>>= *$/, "", name)
    chunk = name; chunk_line = FNR; state = "code"; previous = ""; code = ""
    if (name == "" || name ~ /[<>`|"\\\]\[{}*]/ || name ~ /^ | $|  /)
        complain(FNR, "chunk name <<" name ">>: use plain words, single spaces, none of < > ` | \" \\ [ ] { } *")
    if (name ~ /\//) begin_root(name)
    defs[name]++
    def_file[name, defs[name]] = file; def_line[name, defs[name]] = FNR
    if (defs[name] == 1) names[++nnames] = name
}

function begin_root(name,    path, parts, n, i, top, prefix) {
    path = tolower(name)
    while (sub(/\/\.\//, "/", path) || sub(/\/\//, "/", path) || sub(/^\.\//, "", path)) ;
    n = split(path, parts, "/")
    for (i = 1; i <= n; i++)
        if (path ~ /^\// || parts[i] == "..") {
            complain(FNR, "root <<" name ">> would leave generated/")
            return
        }
    top = parts[1]
    if (name !~ /^[A-Za-z0-9_.\/-]+$/ || name ~ /\/$/ || top !~ /^(include|src|examples|labs)$/) {
        complain(FNR, "root <<" name ">>: a file in include/, src/, examples/ or labs/, named with letters, digits, '_', '-', '.'")
        return
    }
    if (path in root_at) {
        complain(FNR, "root <<" name ">> makes the same file as " root_at[path] "; continue a file through a chunk it uses")
        return
    }
    for (prefix in root_at)
        if (index(path, prefix "/") == 1 || index(prefix, path "/") == 1)
            complain(FNR, "root <<" name ">>: one root cannot be both a file and a folder (see " root_at[prefix] ")")
    root_at[path] = file ":" FNR
}

function code_line(line,    name, rest) {
    if (line ~ /^@( |$)/) { end_chunk(line); return }
    if (line ~ fence_end) {
        complain(FNR, "missing '@': chunk <<" chunk ">>, begun on line " chunk_line ", must end with '@' before the fence")
        state = "prose"
        return
    }
    if (line ~ /^<<.*>>=/) {
        complain(FNR, "missing '@': chunk <<" chunk ">>, begun on line " chunk_line ", is still open")
        begin_chunk(line)
        return
    }
    if (width(line) > 76) complain(FNR, "a code line of " width(line) " columns; the page has room for 76")
    rest = line
    gsub(/@<</, "", rest)
    if (line ~ /^ *<<[^<>]*>> *$/) {
        name = line
        sub(/^ *<</, "", name); sub(/>> *$/, "", name)
        nuses++
        use_name[nuses] = name; use_in[nuses] = chunk; use_file[nuses] = file; use_line[nuses] = FNR
        if (previous ~ /\\$/)
            complain(FNR, "chunk <<" name ">> is used inside a macro continued with '\\'; write the macro out")
    } else if (rest ~ /<<.*>>/)
        complain(FNR, "noweb reads '@<<...>>' as a chunk: a chunk's use stands alone on its line; give a shift a named macro")
    code = code "\n" line
    previous = line
}

function end_chunk(line,    n, i, idents, safe) {
    state = "closing"
    if (code == "") complain(chunk_line, "chunk <<" chunk ">> is empty")
    if (line ~ /^@ *$/) return
    if (line !~ /^@ %def( +[A-Za-z_][A-Za-z0-9_]*)+ *$/) {
        complain(FNR, "a chunk ends with '@' or '@ %def name ...'")
        return
    }
    n = split(line, idents, / +/)
    for (i = 3; i <= n; i++) if (idents[i] != "") {
        safe = " " code " "
        gsub(/[^A-Za-z0-9_]/, " ", safe)
        if (index(safe, " " idents[i] " ") == 0)
            complain(FNR, "%def names '" idents[i] "', which chunk <<" chunk ">> does not contain")
    }
}

function width(line) { gsub(/[\200-\277]/, "", line); return length(line) }

# --- prose -------------------------------------------------------------------

function prose_line(line,    bare, ticks) {
    bare = line
    gsub(/@<</, "", bare)
    if (line ~ /^<<.*>>=/) {
        complain(FNR, "a chunk outside a code fence; put ```c on the line before it")
        begin_chunk(line); fence_end = "^```+ *$"
        return
    }
    if (bare ~ /<</) complain(FNR, "a bare '@<<' in prose; write '@@<<' (noweb reads it as a chunk)")
    if (line ~ /^@( |$)/) complain(FNR, "a line of prose must not begin with '@ '; noweb reads it as the end of a chunk")
    if (match(line, /^ *(```+|~~~+)/)) {
        ticks = substr(line, RSTART, RLENGTH); sub(/^ */, "", ticks)
        end_paragraph()
        state = "fence"; fence_line = FNR; fence_first = 1
        fence_end = "^ *" ticks substr(ticks, 1, 1) "* *$"
        if (line ~ /recorded="/) recorded_line(line)
        return
    }
    if (line ~ /^:::/) { end_paragraph(); div_or_end(line) }
    if (steps_div && line ~ /^[0-9]+[.)] /) steps_line[++steps_items] = FNR
    if (line ~ /^#+ /) { end_paragraph(); heading(line); return }
    if (line ~ /^ *$/) { end_paragraph(); return }
    if (para == "") para_first = FNR
    para = para line "\n"
}

function fence_text(line,    bare) {
    if (fence_first && line ~ /^<<.*>>=/) {
        begin_chunk(line)
        return
    }
    fence_first = 0
    if (line ~ fence_end) { state = "prose"; return }
    bare = line
    gsub(/@<</, "", bare)
    if (bare ~ /<</) complain(FNR, "a bare '@<<' in a listing; write '@@<<' (noweb reads it as a chunk)")
    if (line ~ /^@( |$)/) complain(FNR, "a line of a listing must not begin with '@ '; noweb reads it as the end of a chunk")
}

function div_or_end(line,    class) {
    if (line ~ /^:::+ *$/) {
        if (divs == 0) complain(FNR, "':::' closes nothing")
        else if (divs-- == steps_div) end_steps()
        return
    }
    div_line[++divs] = FNR
    class = line
    sub(/^:::+ */, "", class)
    if (class ~ /^\{/) {
        if (!match(class, /\.[a-z]+/)) {
            if (class !~ /^\{#refs\}/) complain(FNR, "a ::: block needs a class")
            return
        }
        class = substr(class, RSTART + 1, RLENGTH - 1)
    } else sub(/ .*$/, "", class)
    if (class !~ /^(tabs|tab|pitfall|note|why|exercise|solution|steps|refs)$/)
        complain(FNR, "unknown block ':::' class '" class "'; there are tabs, tab, pitfall, note, why, exercise, solution, steps, refs")
    if (class ~ /^(pitfall|note|exercise)$/ && line !~ /title="[^"]/) complain(FNR, "a " class " needs title=\"...\"")
    if (class == "pitfall" && match(line, /title="[^"]*"/) && facts != "")
        printf "pitfall\t%s\t%d\t%s\n", slug, ++pitfalls, substr(line, RSTART + 7, RLENGTH - 8) > facts
    if (class == "tab" && line !~ /os="[a-z]+".*title="[^"]|title="[^"].*os="[a-z]+"/)
        complain(FNR, "a tab needs os=\"...\" and title=\"...\"")
    if (class == "why" && line !~ /q="[^"]/) complain(FNR, "a why needs q=\"the question\"")
    if (class == "exercise") {
        if (match(line, /#exr:[A-Za-z0-9-]+/)) label("exr", substr(line, RSTART + 5, RLENGTH - 5), FNR)
        else complain(FNR, "an exercise needs an id: {.exercise #exr:name title=\"...\"}")
    }
    if (class == "steps") begin_steps(line)
}

# A figure in key frames: a drawing, and a list with an item for each frame.

function begin_steps(line) {
    steps_div = divs; steps_items = 0; steps_src = ""
    if (match(line, /#fig:[A-Za-z0-9-]+/)) label("fig", substr(line, RSTART + 5, RLENGTH - 5), FNR)
    else complain(FNR, "a steps figure needs an id: {.steps #fig:name src=\"...\" caption=\"...\" alt=\"...\"}")
    if (match(line, / src="[^"]*\.svg"/)) steps_src = substr(line, RSTART + 6, RLENGTH - 7)
    else complain(FNR, "a steps figure needs its drawing: src=\"figures/name.svg\"")
    if (line !~ / caption="[^"]*[A-Za-z]/) complain(FNR, "a steps figure needs caption=\"...\", on this line")
    if (line !~ / alt="[^"]*[A-Za-z]/) complain(FNR, "a steps figure has no text alternative; add alt=\"what the whole shows\" on this line")
}

function end_steps(    n, first, line, in_frame, k) {
    first = div_line[steps_div]; steps_div = 0
    if (steps_items < 2) complain(first, "a steps figure needs a numbered list with an item for each frame, two or more")
    if (!whole || steps_src == "") return
    steps_src = dir "/" steps_src
    if (!readable(steps_src)) {
        complain(first, "no such figure: " steps_src)
        return
    }
    n = read_frames(steps_src, first, in_frame)
    if (n > steps_items)
        complain(first, steps_src " has a group for frame " n "; the list has " steps_items " items")
    for (k = 2; k <= steps_items && n <= steps_items; k++)
        if (in_frame[k] == in_frame[k - 1])
            complain(steps_line[k], "frame " k " of " steps_src " is the same as frame " k - 1 "; a group that differs is <g class=\"at ... " k " ...\">")
}

# The groups that stand in each frame, by number; returns the last frame named.
function read_frames(path, first, in_frame,    svg, line, tag, list, n, i, last, groups, depth, inside) {
    svg = ""
    while ((getline line < path) > 0) svg = svg line " "
    close(path)
    last = groups = depth = inside = 0
    while (match(svg, /<[^>]*>/)) {
        tag = substr(svg, RSTART, RLENGTH)
        svg = substr(svg, RSTART + RLENGTH)
        if (tag ~ /^<\/g *>/ && --depth < inside) inside = 0
        if (tag ~ /^<g[ >]/ && tag !~ /\/>$/) depth++
        if (!match(tag, / class="at[ "][^"]*/)) continue
        list = substr(tag, RSTART + 10, RLENGTH - 10)
        if (tag !~ /^<g / || list !~ /^( [1-9][0-9]*)+$/) {
            complain(first, path ": " tag ": frames are written <g class=\"at 2 3\">")
            continue
        }
        if (inside) complain(first, path ": " tag " is inside another group with frames")
        inside = depth; groups++
        n = split(list, frame_list, " ")
        for (i = 1; i <= n; i++) {
            in_frame[frame_list[i] + 0] = in_frame[frame_list[i] + 0] " " groups
            if (frame_list[i] + 0 > last) last = frame_list[i] + 0
        }
    }
    return last
}

function heading(line,    level, text, id) {
    match(line, /^#+/)
    level = RLENGTH
    text = substr(line, level + 2)
    id = ""
    if (match(text, /\{#[^ }]+[^}]*\} *$/)) {
        id = substr(text, RSTART + 2, RLENGTH - 2)
        sub(/[ }].*$/, "", id)
        text = substr(text, 1, RSTART - 1)
    }
    sub(/ +$/, "", text)
    if (level == 1) {
        if (title != "") complain(FNR, "a second title; a chapter has one '# Title'")
        if (id != slug) complain(FNR, "the title's id must be the file's name: '{#" slug "}'")
        title = text
        return
    }
    if (title == "") complain(FNR, "a section before the chapter's title")
    if (id == "") id = slugify(text)
    if ((slug, id) in sections) {
        complain(FNR, "a second section with the id '" id "' (first on line " sections[slug, id] "); give it its own {#id}")
        return
    }
    sections[slug, id] = FNR
    if (facts != "") printf "section\t%s\t%s\t%d\t%s\n", slug, id, level, text > facts
}

function slugify(text) {           # as pandoc's auto_identifiers
    text = tolower(text)
    gsub(/[^a-z0-9_. -]/, "", text)
    gsub(/ +/, "-", text)
    sub(/^[^a-z]+/, "", text)
    return text == "" ? "section" : text
}

function label(kind, name, line,    n) {
    if ((kind, name) in labels) {
        complain(line, "the label '" kind ":" name "' is taken by " labels[kind, name])
        return
    }
    labels[kind, name] = file ":" line
    n = kind == "fig" ? ++figures : kind == "tab" ? ++tables : ++exercises
    if (facts != "") printf "label\t%s\t%s\t%s\t%s\n", kind, name, slug, (number == "" ? "" : number ".") n > facts
}

function recorded_line(line,    name) {
    name = line
    sub(/^.*recorded="/, "", name); sub(/".*$/, "", name)
    nrec++
    rec_name[nrec] = name; rec_file[nrec] = file; rec_line[nrec] = FNR; rec_dir = dir "/recorded"
    if (!whole) return
    if (!readable(dir "/recorded/" name ".cmd"))
        complain(FNR, "no command " dir "/recorded/" name ".cmd for this recorded output")
    if (!readable(dir "/recorded/" name ".out"))
        complain(FNR, "nothing recorded as " dir "/recorded/" name ".out; run 'make record'")
}

function readable(path,    ok, junk) {
    ok = (getline junk < path) >= 0
    close(path)
    return ok
}

# A paragraph is looked at as a whole, because a reference may be broken over
# two lines; position_line() finds the line again.

function position_line(at,    before) {
    before = substr(para, 1, at)
    return para_first + gsub(/\n/, "", before)
}

function end_paragraph(    text) {
    if (para == "") return
    text = para
    blank_code(text)
    para_images(); para_table(); para_notes()
    if (whole) { para_links(); para_chunks(); para_citations() }
    para = ""
}

function blank_code(text,    at, len, out) {    # para with `code` blanked, same length
    out = ""
    while (match(text, /`[^`]+`/)) {
        at = RSTART; len = RLENGTH
        out = out substr(text, 1, at - 1) spaces(substr(text, at, len))
        text = substr(text, at + len)
    }
    para = out text
}

function spaces(text) { gsub(/[^\n]/, " ", text); return text }

function para_images(    text, at, base, attrs, path, line) {
    text = para; base = 0
    while (match(text, /!\[[^]]*\]\([^)]*\)/)) {
        at = base + RSTART; line = position_line(at)
        path = substr(text, RSTART, RLENGTH); sub(/^.*\(/, "", path); sub(/\)$/, "", path)
        attrs = substr(text, RSTART + RLENGTH)
        base += RSTART + RLENGTH - 1
        text = attrs
        if (attrs !~ /^\{/) attrs = ""
        else sub(/\}.*$/, "", attrs)
        if (!match(attrs, /#fig:[A-Za-z0-9-]+/)) complain(line, "a figure needs an id: {#fig:name alt=\"...\"}")
        else label("fig", substr(attrs, RSTART + 5, RLENGTH - 5), line)
        if (attrs !~ /alt="[^"]*[A-Za-z][^"]*"/)
            complain(line, "figure " path " has no text alternative; add alt=\"what it shows\"")
        if (whole && !readable(dir "/" path)) complain(line, "no such figure: " dir "/" path)
    }
}

function para_table() {
    if (match(para, /^:[^\n]*\{#tab:[A-Za-z0-9-]+\}|\n: [^{]*\{#tab:[A-Za-z0-9-]+\}/)) {
        table_id = substr(para, RSTART, RLENGTH)
        sub(/^.*#tab:/, "", table_id); sub(/\}.*$/, "", table_id)
        label("tab", table_id, position_line(RSTART + 1))
    } else if (para ~ /^\|.*\|\n\|[ :|-]*\|\n/)
        pending_table = 1
}

function para_notes(    text, base, name, line) {
    text = para; base = 0
    while (match(text, /\[\^[^] ]+\]:?/)) {
        name = substr(text, RSTART + 2, RLENGTH - 3); line = position_line(base + RSTART)
        if (substr(text, RSTART + RLENGTH - 1, 1) == ":") {
            name = substr(name, 1, length(name) - 1)
            if (base + RSTART == 1 || substr(para, base + RSTART - 1, 1) == "\n") {
                if (name in note_anywhere) complain(line, "footnote [^" name "] is defined a second time (first " note_anywhere[name] ")")
                note_anywhere[name] = file ":" line
                note_defined[name] = line
            } else note_used[name] = line
        } else note_used[name] = line
        base += RSTART + RLENGTH - 1
        text = substr(text, RSTART + RLENGTH)
    }
}

function remember(kind, name, line) {
    nrefs++
    ref_kind[nrefs] = kind; ref_name[nrefs] = name
    ref_file[nrefs] = file; ref_line[nrefs] = line; ref_slug[nrefs] = slug
}

function para_links(    text, base, target) {
    text = para; base = 0
    while (match(text, /\]\(#[^) ]*\)/)) {
        target = substr(text, RSTART + 3, RLENGTH - 4)
        remember("link", target, position_line(base + RSTART))
        base += RSTART + RLENGTH - 1
        text = substr(text, RSTART + RLENGTH)
    }
}

function para_chunks(    text, base, name) {
    text = para; base = 0
    while (match(text, /\[[^][]+\]\{\.chunk\}/)) {
        name = substr(text, RSTART + 1, RLENGTH - 10)
        gsub(/ *\n */, " ", name)
        remember("chunk", name, position_line(base + RSTART))
        base += RSTART + RLENGTH - 1
        text = substr(text, RSTART + RLENGTH)
    }
}

function para_citations(    text, base, key, before) {
    text = para; base = 0
    while (match(text, /@[A-Za-z][A-Za-z0-9_:.+-]*/)) {
        before = RSTART == 1 ? "" : substr(text, RSTART - 1, 1)
        key = substr(text, RSTART + 1, RLENGTH - 1)
        sub(/[:.+-]+$/, "", key)
        if (before !~ /[A-Za-z0-9_@\\]/) remember("cite", key, position_line(base + RSTART))
        base += RSTART + RLENGTH - 1
        text = substr(text, RSTART + RLENGTH)
    }
}

# --- the lines, by state -----------------------------------------------------

state == "code"    { code_line($0); next }
state == "closing" {
    if ($0 !~ fence_end) complain(FNR, "after a chunk's '@' comes the end of its fence")
    state = "prose"
    next
}
state == "fence"   { fence_text($0); next }
                   { prose_line($0) }

# --- the whole ---------------------------------------------------------------

function check_chunks(    i, name, first, used) {
    for (i = 1; i <= nuses; i++) {
        name = use_name[i]
        used[name] = 1
        if (!(name in defs)) {
            complain_in(use_file[i], use_line[i], "chunk <<" name ">> is used here and defined nowhere")
            continue
        }
        if (name ~ /\//) complain_in(use_file[i], use_line[i], "<<" name ">> is a root, a file of its own; it cannot be used as a chunk")
        first = def_file[name, 1]
        if (order[first] > order[use_file[i]])
            complain_in(use_file[i], use_line[i], "chunk <<" name ">> is used before its chapter, " first)
        edges[use_in[i]] = edges[use_in[i]] " " i
    }
    for (i = 1; i <= nnames; i++) {
        name = names[i]
        if (name !~ /\// && !(name in used))
            complain_in(def_file[name, 1], def_line[name, 1], "chunk <<" name ">> is defined and never used")
        visit(name, "")
    }
}

# Depth-first search; colour 1 is on the way, 2 is done.
function visit(name, path,    list, n, i, use) {
    if (colour[name] == 2) return
    colour[name] = 1
    n = split(edges[name], list, " ")
    for (i = 1; i <= n; i++) {
        use = list[i]
        if (colour[use_name[use]] == 1)
            complain_in(use_file[use], use_line[use], "chunk <<" use_name[use] ">> contains itself: " path "<<" name ">> uses <<" use_name[use] ">>")
        else visit(use_name[use], path "<<" name ">> uses ")
    }
    colour[name] = 2
}

function check_references(    i, name, kind, ok, colon, keys) {
    if (bib != "") read_bibliography(keys)
    for (i = 1; i <= nrefs; i++) {
        name = ref_name[i]; kind = ref_kind[i]
        if (kind == "chunk" && !(name in defs))
            complain_in(ref_file[i], ref_line[i], "there is no chunk <<" name ">> to refer to")
        if (kind == "cite" && bib != "" && !(name in keys))
            complain_in(ref_file[i], ref_line[i], "there is no source '@" name "' in " bib)
        if (kind == "link") {
            colon = index(name, ":")
            if (colon) ok = (substr(name, 1, colon - 1), substr(name, colon + 1)) in labels
            else ok = (name in slug_file) || ((ref_slug[i], name) in sections) || section_elsewhere(name) ||
                name == "reference" && "include/minimio.h" in defs        # tangle/weave writes it
            if (!ok) complain_in(ref_file[i], ref_line[i], "nothing has the label '#" name "'")
        }
    }
}

function section_elsewhere(name,    s) {
    for (s in slug_file)
        if (index(name, s "-") == 1 && ((s, substr(name, length(s) + 2)) in sections)) return 1
    return 0
}

function read_bibliography(keys,    line, n, key) {
    n = 0
    while ((getline line < bib) > 0) {
        n++
        if (line !~ /^@[A-Za-z]+\{/) continue
        key = line
        sub(/^@[A-Za-z]+\{ */, "", key); sub(/,.*$/, "", key)
        if (key in keys) complain_in(bib, n, "the source '" key "' is defined a second time (first on line " keys[key] ")")
        else keys[key] = n
    }
    close(bib)
}

function check_recorded(    i, used, listing, name) {
    for (i = 1; i <= nrec; i++) used[rec_name[i]] = 1
    listing = "ls " dir "/recorded 2>/dev/null"
    while ((listing | getline name) > 0) {
        if (name !~ /\.(cmd|out|sys)$/) continue
        file = dir "/recorded/" name
        sub(/\.(cmd|out|sys)$/, "", name)
        if (!(name in used)) complain(1, "no chapter shows this recorded output")
    }
    close(listing)
}

# The parts, from metadata.yaml. A part goes to where the next one begins.

function check_parts(    meta, line, n, from, at, title, i, k, f) {
    meta = dir "/metadata.yaml"
    for (n = i = 0; (getline line < meta) > 0; ) {
        n++
        if (line ~ /^[^ #]/) inside_parts = line ~ /^parts:/
        if (!inside_parts) continue
        if (line ~ /^  - chapter: *[0-9]+ *$/) {
            sub(/^  - chapter: */, "", line)
            at[++i] = n; from[i] = line + 0
            if (i > 1 && from[i] <= from[i - 1])
                complain_in(meta, n, "a part begins with chapter " from[i] ", and the part before it with chapter " from[i - 1])
        } else if (line ~ /^    title: *"[^"]+" *$/ && i > 0 && !(i in title)) {
            title[i] = line
            sub(/^[^"]*"/, "", title[i]); sub(/".*$/, "", title[i])
        } else if (line !~ /^parts:|^ *(#.*)?$/)
            complain_in(meta, n, "a part is '  - chapter: 5' and below it '    title: \"...\"'")
    }
    close(meta)
    for (k = 1; k <= i; k++) {
        if (!(k in title)) complain_in(meta, at[k], "a part without a title")
        for (f = 1; f <= nfiles; f++) {
            if (file_number[files[f]] == "" || file_number[files[f]] < from[k]) continue
            if (facts != "" && (k == i || file_number[files[f]] < from[k + 1]))
                printf "part\t%d\t%s\t%s\n", k, title[k], file_slug[files[f]] > facts
            break
        }
    }
}

function write_chunks(    i, k, name, f) {
    for (i = 1; i <= nnames; i++) {
        name = names[i]
        for (k = 1; k <= defs[name]; k++) {
            f = def_file[name, k]
            printf "chunk\t%s\t%d\t%d\t%s\t%d\t%s\n", name, k, defs[name], f, def_line[name, k], (name ~ /\//) ? "root" : "" > facts
        }
    }
}

END {
    end_file()
    check_chunks()
    if (whole) { check_references(); check_parts(); check_recorded() }
    if (facts != "") { write_chunks(); close(facts) }
    close("sort -t: -k1,1 -k2,2n -u >&2")
    exit mistakes > 0
}
