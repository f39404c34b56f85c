# table.awk SUMMARY COUNTED: a report, in Markdown. -v what=times|counts, machine, rounds, busy, missing, day

BEGIN {
    split("minimio ready hand mio short ev event uv buffer threads", order, " ")
    split("minimio|minimio, `ready`|epoll by hand|mio|mio, short read|libev|libevent|libuv|bufferevent|threads", words, "|")
    for (i = 1; i in order; i++) title[order[i]] = words[i]
}

FILENAME == ARGV[1] {
    middle[$1, $2] = $3
    lower[$1, $2] = $4
    ratio[$1, $2] = $5
    upper[$1, $2] = $6
    next
}
{ counted[$1, $2] = $3 }

function short(x) { return x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x) }

function time(ns) {
    return ns >= 100000 ? sprintf("%.0f µs", ns / 1000) : ns >= 1000 ? sprintf("%.1f µs", ns / 1000) : sprintf("%.0f ns", ns)
}

# A cell: minimio's own number, or a ratio to it with its quartiles
function cell(benchmark, name,    key) {
    key = benchmark SUBSEP name
    if (!(key in middle)) return "–"
    if (benchmark == "memory") return sprintf("%.0f B", middle[key])
    if (name == "minimio") return time(middle[key])
    return sprintf("**%s** (%s–%s)", short(ratio[key]), short(lower[key]), short(upper[key]))
}

function plain(what, name) { return (what, name) in counted ? counted[what, name] : "–" }

function whole(what, name,    key) {
    key = what SUBSEP name
    return key in counted ? sprintf("%.0f", counted[key]) : "–"
}

function two(what, name,    key) {
    key = what SUBSEP name
    return key in counted ? sprintf("%.2f", counted[key]) : "–"
}

function heading(text, wide,    n, i, cells, line) {
    n = split(text, cells, "|")
    line = "|"
    for (i = 1; i <= n; i++) line = line (wide ? (i == 1 ? ":-------|" : "-----:|") : i == 1 ? ":----------|" : "--:|")
    print ""
    print "| " text " |"
    print line
}

# Whether somebody's row has anything in these columns
function known(name, columns,    n, i, column) {
    n = split(columns, column, " ")
    for (i = 1; i <= n; i++) if ((column[i], name) in middle || (column[i], name) in counted) return 1
    return 0
}

function timed_rows(columns,    n, i, k, column, line) {
    n = split(columns, column, " ")
    for (k = 1; k in order; k++) {
        if (!known(order[k], columns)) continue
        line = "| " title[order[k]]
        for (i = 1; i <= n; i++) line = line " | " cell(column[i], order[k])
        print line " |"
    }
}

function counted_rows(    k, name) {
    for (k = 1; k in order; k++) {
        name = order[k]
        if (!known(name, "calls1")) continue
        print "| " title[name] " | " two("calls1", name) " | " two("calls50", name) " | " two("calls1000", name) \
            " | " two("callschurn", name) " | " whole("instructions1", name) " | " whole("instructions50", name) \
            " | " whole("instructionschurn", name) " | " two("allocations", name) " |"
    }
}

function inside_rows(    k, name) {
    for (k = 1; k in order; k++) {
        name = order[k]
        if (!known(name, "callswake timerinsert")) continue
        print "| " title[name] " | " two("callswake", name) " | " whole("instructionswake", name) \
            " | " whole("timerinsert", name) " | " whole("timerreset", name) " | " whole("timercancel", name) \
            " | " whole("timerexpire", name) " |"
    }
}

END {
    print "Measured on " day " by `make bench`: " machine "."
    if (missing != "") print "Not installed, and left out: " missing "."
    if (what == "times") times()
    else counts()
}

function times() {
    print ""
    print rounds " rounds, in each of which the contenders took turns; the server on one core, its load on another. The first row is minimio's own, for a message of 64 bytes (or, in the fourth column, for a connection with one message); below it are the medians of the ratios to it, and their quartiles. Above 1 is slower than minimio."
    if (busy > 0.5) print "**The machine was busy (load " busy " at the beginning): the times say little.**"
    heading("echo | 1 connection | 50 | 1,000 | connect, echo, close | 1 of 10,001 active", 1)
    timed_rows("echo1 echo50 echo1000 churn idle")
    print ""
    print "Wake-ups, there and back by the clock, in a flood in processor time of all threads; and what a connection that is idle costs:"
    heading("threads, memory | ping-pong | flood | connection", 1)
    timed_rows("pingpong flood memory")
    print ""
    print "One of 100,000 timers:"
    heading("timers | insert | reset | cancel | expire", 1)
    timed_rows("insert reset cancel expire")
    print ""
    print "Ahead of minimio by a tenth or more, three quarters of the rounds below 1: " ahead() "."
}

# Those who are, benchmark by benchmark
function ahead(    n, i, k, column, words, key, list, some) {
    n = split("echo1 echo50 echo1000 churn idle pingpong flood insert reset cancel expire", column, " ")
    split("echo at 1,echo at 50,echo at 1000,connections,1 of 10001,ping-pong,flood,insert,reset,cancel,expire", words, ",")
    for (i = 1; i <= n; i++) {
        some = ""
        for (k = 1; k in order; k++) {
            key = column[i] SUBSEP order[k]
            if (key in ratio && ratio[key] < 0.9 && upper[key] < 1) some = some (some == "" ? "" : ", ") title[order[k]]
        }
        if (some != "") list = list (list == "" ? "" : "; ") words[i] ": " some
    }
    return list == "" ? "nobody" : list
}

function counts() {
    print ""
    print "System calls for a message at 1, 50 and 1,000 connections and for a connection, instructions in user space, and allocations for a connection."
    heading("server | calls, 1 | 50 | 1,000 | connection | instructions, 1 | 50 | connection | allocations")
    counted_rows()
    print ""
    print "A wake-up of a loop that is awake, and the instructions for one of 100,000 timers:"
    heading("threads and timers | calls, wake | instructions, wake | insert | reset | cancel | expire")
    inside_rows()
}
