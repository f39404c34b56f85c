# awk -f report.awk ALL RESULTS SURVIVORS: which mutants lived, are they explained; and the tables, into `table`
function key(file, function_, change) { return file " | " function_ " | " change }
FILENAME == ARGV[1] { known[$2 FS $5 FS $6 FS $7]; listed[$2]++; next }
FILENAME == ARGV[2] {
    if (!(($3 FS $4 FS $5 FS $6) in known)) next            # of a library that is no more
    if (($3 FS $4 FS $5 FS $6) in had && $1 == was[$3 FS $4 FS $5 FS $6]) next
    had[$3 FS $4 FS $5 FS $6]; was[$3 FS $4 FS $5 FS $6] = $1
    ran[$3]++
    if ($1 == "refused" || $1 == "same") { none[$3 FS $1]++; next }
    count[$3]++; by[$4]++; total++
    if ($1 == "lives") { k = key($3, $5, $6); if (!(k in lives)) order[++living] = k; lives[k]; lived[$3]++; of[$4]++ } else died[key($3, $5, $6)]
    next
}
/^#/ || /^$/ { next }
/^= / { why = 1; next }
{
    sub(/^ +/, "")
    if (!why || $0 in explained) { print "not ok - mutants, survivors: twice, or without a reason: " $0; bad = 1 }
    explained[$0]
    if (whole && !($0 in lives) && ($0 in died)) { print "not ok - mutants: explained, but it dies: " $0; bad = 1 }
}
function row(name, a, b, c, d, counted, alive) {
    printf "| %s | %d | %d | %d | %d | %d | %d | %s |\n", name, a, b, c, d, counted - alive, alive,
        (counted > 0 ? sprintf("%.1f %%", 100 * (counted - alive) / counted) : "-") >table
}
END {
    for (i = 1; i <= living; i++)
        if (order[i] in explained) { reason++; if (each) print "# lives: " order[i] }
        else { print "not ok - mutants: lives, and nothing says why: " order[i]; bad = 1 }
    died_all = total - living_all()
    print "# " died_all " of " total + 0 " mutants die"
    if (!bad) print "ok - mutants: each that lives is explained (" reason + 0 " of " total + 0 ")"
    print "| file | mutants | run | not C | same | die | live | share |\n|:------|--:|--:|--:|--:|--:|--:|--:|" >table
    n = split("queue.h lines.h atomics.h queue.c operation.c time.c posts.c readiness.c epoll.c kqueue.c socket_posix.c iocp.c afd.c socket_windows.c address.c pool.c resolve.c", file, " ")
    for (i = 1; i <= n; i++) {
        f = file[i]
        row("`" f "`", listed[f], ran[f], none[f FS "refused"], none[f FS "same"], count[f], lived[f])
        a += listed[f]; b += ran[f]; c += none[f FS "refused"]; d += none[f FS "same"]
    }
    row("all", a, b, c, d, total, living_all())
    print "\n| what is broken | counted | live |\n|:--|--:|--:|" >table
    n = split("relation logic arithmetic bits negation constant value arm deletion", operator, " ")
    for (i = 1; i <= n; i++) printf "| %s | %d | %d |\n", operator[i], by[operator[i]], of[operator[i]] >table
    exit bad
}
function living_all(    f, sum) { for (f in lived) sum += lived[f]; return sum + 0 }
