# amalgamate.awk - the library in one file, and its header
#
#   awk -v out=DIR -f amalgamate.awk LICENSE generated/include/minimio.h generated/src/*.[ch]
#
# writes DIR/minimio.c and DIR/minimio.h. What a source asks of the system
# (_GNU_SOURCE and the like) comes first, because it must stand before any
# header; then what the sources share, each private header once and after
# those it includes; then the sources. Of where a chunk is from, its name and
# the chapter's number remain.

FNR == 1 {
    file = FILENAME
    sub(/^.*\//, "", file)
    if (file ~ /\.h$/) headers[++nheaders] = file
    if (file ~ /\.c$/) sources[++nsources] = file
}
file == "LICENSE" { read_license($0); next }
/^\/\* Tangled from / { chapter[file] = number_of($0); next }
/^ *\/\* <<[^<>]*>> \([0-9]+ of [0-9]+\), / { $0 = short($0) }
file ~ /\.c$/ && /^# *define _[A-Z0-9_]*SOURCE/ { asks_for($0); next }
{ text[file, ++lines[file]] = $0 }

# The notice of the code's licence: from the line of the copyright to what
# comes after the warranty.
function read_license(line) {
    if (line ~ /^Copyright /) in_license = 1
    if (line ~ /^The prose /) in_license = 0
    if (in_license) license = license " *" (line == "" ? "" : " " line) "\n"
}

function number_of(line) {
    if (!match(line, /book\/[0-9]+-/)) return ""
    return substr(line, RSTART + 5, RLENGTH - 6) + 0
}

function short(line,    indent, name) {
    indent = name = line
    sub(/\/\*.*$/, "", indent)
    sub(/^ *\/\* <</, "", name); sub(/>>.*$/, "", name)
    return indent "/* " name ", chapter " number_of(line) " */"
}

function asks_for(line,    name) {
    name = line
    sub(/^# *define /, "", name); sub(/ .*$/, "", name)
    if (name in asked) return
    asked[name] = 1
    asks = asks "#ifndef " name "\n" line "\n#endif\n"
}

# inlined(LINE): the private header that this line includes, or nothing
function inlined(line) {
    if (line !~ /^# *include "/) return ""
    sub(/^[^"]*"/, "", line); sub(/".*$/, "", line)
    return line != "minimio.h" && line in lines ? line : ""
}

function title(file) {
    return "\n/* --- " file (chapter[file] != "" ? ", chapter " chapter[file] : "") " --- */\n"
}

function write(file, to,    i, private, blank, empty) {
    empty = 1                                   # no blank line comes first
    for (i = 1; i <= lines[file]; i++) {
        blank = text[file, i] ~ /^$/
        if (blank && empty || inlined(text[file, i]) != "") continue
        if (text[file, i] ~ /^# *include "minimio.h"/ && wrote_include++) continue
        print text[file, i] > to
        empty = blank
    }
}

function write_header(file, to,    i, private) {
    if (file in written) return
    written[file] = 1
    for (i = 1; i <= lines[file]; i++) {
        private = inlined(text[file, i])
        if (private != "") write_header(private, to)
    }
    print title(file) > to
    write(file, to)
}

END {
    name = out "/minimio.c"
    printf "/*\n * minimio: one completion queue over epoll and kqueue, in one file\n *\n" > name
    printf " * Compile it with your program and with -pthread; minimio.h, beside it, is\n * the manual.\n *\n" > name
    printf "%s */\n%s", license, asks > name
    for (i = 1; i <= nheaders; i++) if (headers[i] != "minimio.h") write_header(headers[i], name)
    for (i = 1; i <= nsources; i++) { print title(sources[i]) > name; write(sources[i], name) }
    name = out "/minimio.h"
    printf "/*\n%s */\n", license > name
    write("minimio.h", name)
}
