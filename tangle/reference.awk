# reference.awk - from the header's own text to a chapter of the woven book
#
#   awk -v md=FILE -v facts=FILE -f reference.awk generated/include/minimio.h
#
# writes the chapter to md, and adds to facts what check.awk writes of the
# others, and `name NAME` for what has a place in it. A chunk of the header is a section. What stands there between blank
# lines and comments, with the comment above it, is an entry: functions under
# their names, a structure under its own, constants in a list.

/^\/\* Tangled from / {
    explained = $4
    sub(/^.*\/([0-9][0-9]-)?/, "", explained); sub(/\.md:$/, "", explained)
    next
}
/^ *\/\* <<[^<>]*>> \([0-9]+ of [0-9]+\), / { chunk_begins($0); next }
/^#ifdef __cplusplus/ { in_cplusplus = 1 }
in_cplusplus { if (/^#endif/) in_cplusplus = 0; next }
/^#(ifndef|define) MINIMIO_H|^# *include / || (/^#endif/ && !conditions) { next }
/^#if/ { conditions++ }
/^#endif/ { conditions-- }
in_comment { comment_line($0); next }
/^\/\*/ && !depth { begin_comment($0); next }
/^ *$/ && !depth { entry(); next }
{
    code = code $0 "\n"
    line = $0
    sub(/\/\*.*$/, "", line)
    depth += gsub(/\{/, "", line) - gsub(/\}/, "", line)
}

# A chunk in the middle of an enum does not end it.
function chunk_begins(line,    name, part) {
    sub(/^ *\/\* <</, "", line)
    name = part = line
    sub(/>>.*$/, "", name)
    sub(/^.*>> \(/, "", part); sub(/ of .*$/, "", part)
    if (depth) return
    entry()
    if (name != group) section(name)
    group = name; group_part = part
}

# --- entries, in the order of the header: read first, then written -------------

function section(name) { kind[++n] = "section"; says[n] = name }

function begin_comment(line) {
    entry()
    sub(/^\/\* */, "", line)
    in_comment = 1
    comment = ""
    comment_line(line)
}

function comment_line(line,    ends) {
    ends = sub(/ *\*\/ *$/, "", line)
    sub(/^ \*( |$)/, "", line)
    comment = comment line "\n"
    if (ends) in_comment = 0
}

function entry(    names) {
    if (comment == "" && code ~ /^[ \n]*$/) { code = ""; return }
    n++
    says[n] = comment; shows[n] = code; from_chunk[n] = group; from_part[n] = group_part
    if (code == "") kind[n] = "text"
    else if (code ~ /^(typedef )?enum/ || code ~ /^#define/) kind[n] = "constants"
    else if (code ~ /\);/) kind[n] = "functions"
    else kind[n] = "types"
    comment = code = ""
    find_names(n, kind[n], shows[n])
}

# What an entry declares, in declared[i, 1] to declared[i, count[i]], and in known
function find_names(i, kind, code,    rest, line, lines, k, m) {
    if (kind == "text") return
    gsub(/\/\*[^*]*\*\//, "", code)
    m = split(code, lines, "\n")
    for (k = 1; k <= m; k++) {
        line = lines[k]
        if (kind == "functions") {
            if (match(line, /mio_[a-z_]+\(/) && line ~ /^[a-z]/) declare(i, substr(line, RSTART, RLENGTH - 1))
        } else if (kind == "types") {
            if (line ~ /^(typedef )?struct mio_[a-z]+ \{/ && match(line, /mio_[a-z]+/)) {
                declare(i, substr(line, RSTART, RLENGTH))
                structure[i] = 1
            } else if (line ~ /^typedef .*;/ && match(line, /mio_[a-z]+;/))
                later[++nlater] = i " " substr(line, RSTART, RLENGTH - 1)
        } else
            for (rest = line; match(rest, /MIO_[A-Z0-9_]+/); rest = substr(rest, RSTART + RLENGTH))
                declare(i, substr(rest, RSTART, RLENGTH))
    }
}

function declare(i, name) {
    if (name in known) return
    declared[i, ++count[i]] = name
    known[name] = i
}

# --- writing ---------------------------------------------------------------------

function capital(s) { return toupper(substr(s, 1, 1)) substr(s, 2) }

function slugify(s) { s = tolower(s); gsub(/[^a-z0-9]+/, "-", s); return s }

function id(name) { return "{#" name "}" }

# What `typedef struct x x;` announces may have an entry of its own, and else has it here.
function declare_the_rest(    k, f) {
    for (k = 1; k <= nlater; k++) { split(later[k], f, " "); declare(f[1], f[2]) }
}

# The comment's prose: names link to their entries, other code is set as code,
# and nothing in it is Markdown.
function prose(s,    out, word) {
    out = ""
    while (match(s, /`[^`]+`|"[^"]+"|(mio|MIO)_[A-Za-z0-9_]+|\*[a-z]+|[A-Z]+_[A-Z_]+|[a-zA-Z_0-9]+\([0-9]\)|NULL/)) {
        word = substr(s, RSTART, RLENGTH)
        out = out plain(substr(s, 1, RSTART - 1))
        s = substr(s, RSTART + RLENGTH)
        if (word ~ /^`/) out = out word
        else if (word in known) out = out "[" word "]{.nw-name}"
        else if (word ~ /\([0-9]\)$/) out = out plain(word)
        else out = out "`" word "`"
    }
    return out plain(s)
}

function plain(s) { gsub(/[\\*_<>\[\]#@$~^|`]/, "\\\\&", s); return s }

# A comment is prose, then parts: "errors  MIO_EBUSY ...", one or more on a line.
function said(i, who,    lines, m, k, line, key, text, part, parts, order, p) {
    m = split(says[i], lines, "\n")
    key = ""; text = ""; order = ""
    for (k = 1; k <= m; k++) {
        line = lines[k]
        while (match(line, /(^|  ) *(result|errors|thread|cost|from)  +/)) {
            parts[key] = parts[key] " " substr(line, 1, RSTART - 1)
            key = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            gsub(/ /, "", key)
            order = order " " key
        }
        if (line ~ /^ *$/ && key == "") parts[key] = parts[key] "\n\n"
        else parts[key] = parts[key] " " line
    }
    if (parts[""] ~ /[^ \n]/) print paragraphs(parts[""]) "\n" > md
    m = split(order, part, " ")
    if (m == 0 && who == "") return
    print "::: nw-parts" > md
    for (p = 1; p <= m; p++) {
        printf "%s\n", who == "" ? capital(part[p]) : "[" capital(part[p]) "]" id(who "-" part[p]) > md
        print ":   " prose(squeezed(parts[part[p]])) "\n" > md
    }
    if (who != "") printf "Book\n:   []{.nw-where names=\"%s\" chunk=\"%s\" part=\"%d\"}\n\n", names(i, " "), from_chunk[i], from_part[i] > md
    print ":::\n" > md
}

function squeezed(s) { gsub(/[ \n]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }

function paragraphs(s,    p, m, k, out) {
    m = split(s, p, "\n\n"); out = ""
    for (k = 1; k <= m; k++) if (p[k] ~ /[^ \n]/) out = out (out == "" ? "" : "\n\n") prose(squeezed(p[k]))
    return out
}

function names(i, between,    k, out) {
    for (k = 1; k <= count[i]; k++) out = out (k > 1 ? between : "") declared[i, k]
    return out
}

# The first name's id is the heading's; the others are found in the listing.
function heading(i) {
    print "### `" names(i, "`, `") "` " id(declared[i, 1]) "\n" > md
    head[i] = declared[i, 1]
}

function listing(i,    anchors) {
    anchors = " " names(i, " ") " "
    if (i in head) sub(" " head[i] " ", " ", anchors)
    printf "`````` {.c .nw-signature of=\"%s\" anchors=\"%s\"}\n%s``````\n\n", head[i], squeezed(anchors), shows[i] > md
}

# One line each: NAME = value, and what the comment beside it says.
function constants(i,    lines, m, k, line, word, remark) {
    m = split(shows[i], lines, "\n")
    for (k = 1; k <= m; k++) if (lines[k] ~ /^(enum|#define).*MIO_/) { listing(i); return }
    print "::: {.nw-parts .nw-codes}" > md
    for (k = 1; k <= m; k++) {
        line = remark = lines[k]
        if (!match(line, /MIO_[A-Z0-9_]+/)) continue
        word = substr(line, RSTART, RLENGTH)
        if (!sub(/^.*\/\* */, "", remark)) remark = ""
        sub(/ *\*\/.*$/, "", remark)
        sub(/^[^=]*= */, "", line); sub(/[ ,].*$/, "", line)
        printf "[`%s`]%s\n:   %s%s\n\n", word, id(word), line, remark == "" ? "" : ": " prose(remark) > md
    }
    print ":::\n" > md
}

END {
    entry()
    printf "chapter\treference\t\tReference\t%s\n", FILENAME >> facts
    declare_the_rest()
    for (i = 1; i <= n; i++) for (k = 1; k <= count[i]; k++) printf "name\t%s\n", declared[i, k] >> facts
    print "# Reference {#reference}\n" > md
    print "What `minimio.h` says, in its order and its words. " (explained != "" ? "[](#" explained ") explains how it came to say so." : "") "\n" > md
    for (i = 1; i <= n; i++) {
        if (kind[i] == "section") {
            print "## " capital(says[i]) " " id("group-" slugify(says[i])) "\n" > md
            printf "section\treference\tgroup-%s\t2\t%s\n", slugify(says[i]), capital(says[i]) >> facts
        } else if (kind[i] == "functions") { heading(i); listing(i); said(i, declared[i, 1]) }
        else if (structure[i]) { heading(i); said(i, ""); listing(i) }
        else if (kind[i] == "constants") { said(i, ""); constants(i) }
        else { said(i, ""); if (shows[i] != "") listing(i) }
    }
}
