# Compares what was counted with the list of gaps, and writes the table:
#   awk -f compare.awk -v what=WHAT -v table=FILE COUNTS GAPS
BEGIN { FS = "\t"; missing = 0 }
FILENAME != ARGV[ARGC - 1] {
    lines[$1]++; all_lines++
    branches[$1] += $5; all_branches += $5
    taken[$1] += $6; all_taken += $6
    if ($4 > 0) { run[$1]++; all_run++ }
    kind = $4 == 0 ? "line" : $6 < $5 ? "branch" : ""
    if (kind != "") gap[++gaps] = $1 " | " $3 " | " kind " | " $7
    next
}
/^#/ || /^$/ { next }
/^= / { why = 1; next }
{
    entry = $0
    sub(/^ +/, "", entry)
    if (sub(/^\? /, "", entry)) perhaps[entry]
    if (entry in explained) { print "not ok - coverage, gaps: twice: " entry; missing++ }
    explained[entry]
    if (!why) { print "not ok - coverage, gaps: nothing says why: " entry; missing++ }
}
function percent(part, whole) { return whole > 0 ? sprintf("%.1f %%", 100 * part / whole) : "-" }
END {
    for (i = 1; i <= gaps; i++) {
        seen[gap[i]]
        if (what == "show") print "    " gap[i]
        else if (!(gap[i] in explained) && !(gap[i] in told)) { print "not ok - coverage: not covered, and not explained: " gap[i]; missing++; told[gap[i]] }
    }
    if (what == "show") exit
    for (entry in explained)
        if (!(entry in seen) && !(entry in perhaps)) { print "not ok - coverage: explained, but covered: " entry; missing++ }
    if (missing == 0) print "ok - coverage: each gap is explained"
    good = all_run / all_lines >= 0.95
    print (good ? "ok" : "not ok") " - coverage: at least 95 % of lines" (good ? "" : ": " percent(all_run, all_lines))
    good = all_taken / all_branches >= 0.85
    print (good ? "ok" : "not ok") " - coverage: at least 85 % of branches" (good ? "" : ": " percent(all_taken, all_branches))
    if (!good || all_run / all_lines < 0.95) missing++
    print "# " percent(all_run, all_lines) " of " all_lines " lines, " percent(all_taken, all_branches) " of " all_branches " branches"
    print "| file | lines | of them run | branches | of them taken |\n|:--|--:|--:|--:|--:|" >table
    n = split("queue.h lines.h atomics.h queue.c operation.c time.c posts.c readiness.c epoll.c kqueue.c socket_posix.c iocp.c afd.c socket_windows.c address.c pool.c resolve.c", file, " ")
    for (i = 1; i <= n; i++) {
        f = file[i]
        printf "| `%s` | %d | %s | %d | %s |\n", f, lines[f], percent(run[f], lines[f]), branches[f], percent(taken[f], branches[f]) >table
    }
    printf "| all | %d | %s | %d | %s |\n", all_lines, percent(all_run, all_lines), all_branches, percent(all_taken, all_branches) >table
    exit missing > 0
}
