# shellcheck shell=sh disable=SC2154
# Counting what a server does, sourced by counts.sh and by tests/bench/bench. Who sources it has $work, a
# give_up that ends the program, and a trap that calls stop.
#
# Each number is the difference of two runs with different numbers of messages, or of connections: what starting
# and ending cost is in both. Nothing is timed.

server='' port=''

# load_on CONNECTIONS ROUNDS: what is to be served, on $port; a script may have another one
load_on() { "$work/echo_load" "$port" "$1" "$2"; }

# --- one run --------------------------------------------------------------------------------------------

stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
    server=''
}
# start COMMAND...: it runs a server and says its port
start() {
    : >"$work/said"
    "$@" >"$work/said" 2>"$work/errors" </dev/null &
    server=$! tries=0
    until [ -s "$work/said" ] || [ $tries -ge 600 ] || ! kill -0 "$server" 2>/dev/null; do
        sleep 0.05
        tries=$((tries + 1))
    done
    port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9][0-9]*\)$/\1/p' "$work/said")
    if [ -z "$port" ]; then
        give_up "$* says no port: $(cat "$work/said" "$work/errors" | head -n 1)"
    fi
}
# run CONNECTIONS ROUNDS COMMAND...: starts it, serves that load, ends it
run() {
    connections=$1 rounds=$2
    shift 2
    start "$@"
    if ! load_on "$connections" "$rounds" 2>"$work/errors"; then
        give_up "the load on $*: $(head -n 1 "$work/errors")"
    fi
    stop
}

# --- system calls ---------------------------------------------------------------------------------------

# traced SERVER CONNECTIONS ROUNDS: the names of its system calls and how many, epoll_ctl with what it does
traced() {
    run "$2" "$3" strace -D -f -q -s 0 -o "$work/trace" "$1" 0
    tries=0                             # strace ends a moment after it
    until grep -q '+++ killed' "$work/trace" || [ $tries -ge 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    sed -E 's/^[0-9]+ +//; /resumed>/d; /^(\+\+\+|---)/d
            s/^epoll_ctl\([0-9]+, EPOLL_CTL_([A-Z]+).*/epoll_ctl:\1/; s/\(.*//' "$work/trace" |
        sort | uniq -c | awk '{ print $2, $1 }'
}
# calls NAME SERVER CONNECTIONS ROUNDS MORE: per message, into $work/NAME.CONNECTIONS; those of the whole first
# run, into $work/NAME.CONNECTIONS.all
calls() {
    traced "$2" "$3" "$4" >"$work/$1.$3.all"
    traced "$2" "$3" "$5" >"$work/more"
    awk -v messages="$(($3 * ($5 - $4)))" '
        FNR == NR { before[$1] = $2; next }
        { n = ($2 - before[$1]) / messages; seen[$1] = 1; if (n != 0) printf "%s %.4f\n", $1, n }
        END { for (name in before) if (!(name in seen)) printf "%s %.4f\n", name, -before[name] / messages }
    ' "$work/$1.$3.all" "$work/more" >"$work/$1.$3"
}
# number FILE CALL: what is said there of it, or 0
number() { awk -v call="$2" '$1 == call { n = $2 } END { print n + 0 }' "$work/$1"; }
sum() { awk '{ n += $2 } END { print n + 0 }' "$work/$1"; }

# --- instructions and allocations -----------------------------------------------------------------------

# collected SERVER CONNECTIONS ROUNDS: instructions of a whole run, in user space
collected() {
    run "$2" "$3" valgrind -q --tool=callgrind --callgrind-out-file="$work/profile" "$1" 0
    awk '$1 == "summary:" || $1 == "totals:" { n = $2 } END { print n }' "$work/profile"
}
# instructions SERVER CONNECTIONS ROUNDS MORE: per message
instructions() {
    few=$(collected "$1" "$2" "$3") || exit 1
    many=$(collected "$1" "$2" "$4") || exit 1
    awk "BEGIN { printf \"%.1f\", ($many - $few) / ($2 * ($4 - $3)) }"
}
# allocated SERVER CONNECTIONS ROUNDS: calls of malloc and its kind in a whole run
allocated() {
    run "$2" "$3" valgrind --tool=memcheck --leak-check=no --log-file="$work/log" "$1" 0
    sed -n 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' "$work/log" | tr -d ,
}
