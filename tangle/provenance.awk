# provenance.awk - a noweb filter: the first line of every chunk's code says
# which chunk it is and which chapter explains it.
#
#   -v facts=FILE    what check.awk wrote
BEGIN {
    FS = "\t"
    while ((getline < facts) > 0) {
        if ($1 == "chapter") title[$5] = $4
        if ($1 == "chunk") parts[$2] = $4
    }
    FS = " "
}
/^@file /     { file = substr($0, 7) }
/^@defn /     { name = substr($0, 7); part[name]++ }
              { print }
/^@nl$/ && name != "" {
    if (name ~ /\//)
        text = sprintf("Tangled from %s: %s. Edit the chapter, not this file.", file, title[file])
    else
        text = sprintf("<<%s>> (%d of %d), %s: %s", name, part[name], parts[name], file, title[file])
    gsub(/`/, "", text)
    print "@text /* " text " */"
    print "@nl"
    if (name ~ /\//) { print "@text "; print "@nl" }
    name = ""
}
