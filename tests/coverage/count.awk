# Puts together what gcov -t -b -c says of the same files in several builds. A line for each line of code, its fields
# parted by tabs: file, number, function, runs, branches, branches that were taken, text
{ sub(/\r$/, "") }
/^ *-: *0:Source:/ {
    file = $0
    sub(/.*0:Source:/, "", file)
    ours = index(file, library "/") == 1
    if (ours) file = substr(file, length(library) + 2)
    next
}
!ours { next }
/^function / { name = $2; sub(/\..*/, "", name); next }
/^branch / { # of the line before, in the order of the compiler
    key = file FS line FS $2
    if (!(key in known)) { known[key]; branches[file FS line]++ }
    if ($3 == "taken" && $4 > 0 && !(key in taken)) { taken[key]; hit[file FS line]++ }
    next
}
/^ *([-#=]+|[0-9]+\*?): *[0-9]+:/ {
    count = $0; sub(/:.*/, "", count); gsub(/[ *]/, "", count)
    rest = $0; sub(/^[^:]*:/, "", rest)
    line = rest; sub(/:.*/, "", line); line += 0
    if (line == 0) next
    sub(/^[^:]*:/, "", rest)
    if (count == "-") next
    if (!((file FS line) in runs)) { order[++n] = file FS line; text[file FS line] = rest; of[file FS line] = name }
    runs[file FS line] += count ~ /^[0-9]+$/ ? count : 0
}
END {
    for (i = 1; i <= n; i++) {
        k = order[i]
        split(k, part, FS)
        t = text[k]
        sub(/ *\/\*.*/, "", t)
        gsub(/[ \t]+/, " ", t); sub(/^ /, "", t)
        printf "%s\t%d\t%s\t%d\t%d\t%d\t%s\n", part[1], part[2], of[k], runs[k], branches[k], hit[k], t
    }
}
