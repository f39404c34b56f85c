#!/bin/sh
# tests/counts/counts.sh SERVER: what an echoed message costs, counted, beside an epoll server by hand
#
#   SERVER           an echo server on minimio: takes a port, 0 for any, and prints
#                    `listening on 127.0.0.1:PORT`
#   INCLUDE=generated/include  LIBRARY='generated/src/*.c'    the library, for two small programs
#   CC=cc            PROFILE=FILE: keep callgrind's profile of SERVER at 50 connections there
#
# Each number is the difference of two runs with the same connections and different numbers of messages,
# divided by the difference of the messages: what starting and ending cost is in both. Nothing is timed.
# A table, then a line `ok - ` or `not ok - ` for each limit; the status is 1 if one was exceeded.
# shellcheck disable=SC3045  # dash and bash have ulimit -n; elsewhere it is not used
set -u
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C
CC=${CC:-cc} INCLUDE=${INCLUDE:-generated/include} LIBRARY=${LIBRARY:-generated/src/*.c}
here=tests/counts failed=0
if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo 'usage: tests/counts/counts.sh SERVER' >&2
    exit 2
fi
case $(uname -s) in
Linux) ;;
*)  echo 'skip - counts: only on Linux'; exit 0 ;;
esac
for tool in strace valgrind; do
    if ! command -v $tool >/dev/null; then echo "skip - counts: missing $tool"; exit 0; fi
done
ulimit -n 4096 2>/dev/null || true
. ./tests/counts/count.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/counts.XXXXXX")
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

ok() { echo "ok - counts: $1"; }
not_ok() { echo "not ok - counts: $1: $2"; failed=1; }
# give_up WORDS: nothing can be counted. Its output may be in a file or a variable, so it has one of its own
exec 3>&1
give_up() { echo "not ok - counts: $1" >&3; stop; exit 1; }
# limit WORDS CONDITION: whether awk says that the condition holds
limit() {
    if awk "BEGIN { exit !($2) }"; then ok "$1"; else not_ok "$1" "not so: $2"; fi
}

# compile NAME FILE...: with the library's header
compile() {
    name=$1
    shift
    # shellcheck disable=SC2086  # LIBRARY is a list of files
    if ! $CC -std=c11 -O2 -g -I"$INCLUDE" -o "$work/$name" "$@" -pthread 2>"$work/errors"; then
        give_up "$name does not compile: $(head -n 1 "$work/errors")"
    fi
}

# --- what is told of a count ----------------------------------------------------------------------------

# other FILE: whatever is not a wait, a receive or a send. How many connections one accept finds is luck
other() {
    awk '$1 != "epoll_wait" && $1 != "epoll_pwait" && $1 != "recvfrom" && $1 != "sendto" && $1 != "accept4" {
             n += $2 < 0 ? -$2 : $2
         }
         END { print n + 0 }' "$work/$1"
}
waits() { awk '$1 == "epoll_wait" || $1 == "epoll_pwait" { n += $2 } END { print n + 0 }' "$work/$1"; }
# clock: instructions that the last profile saw in looks at the clock, which is no system call
clock() {
    callgrind_annotate --threshold=100 "$work/profile" 2>"$work/errors" |
        awk '/:(mio_now|clock_gettime)/ { gsub(",", "", $1); n += $1 } END { print n + 0 }'
}

# --- counting -------------------------------------------------------------------------------------------

compile echo_load $here/echo_load.c
compile by_hand $here/echo_by_hand.c
compile sizes $here/sizes.c
# shellcheck disable=SC2086
compile posts $here/posts.c $LIBRARY

for name in minimio by_hand; do
    program=$1
    [ $name = minimio ] || program=$work/by_hand
    calls $name "$program" 1 100 1100
    calls $name "$program" 50 20 60
    calls $name "$program" 1000 5 15
    instructions "$program" 1 1000 11000 >"$work/$name.instructions.1" || exit 1
    clock >"$work/$name.clock"
    instructions "$program" 50 20 220 >"$work/$name.instructions.50" || exit 1
    if [ $name = minimio ] && [ -n "${PROFILE-}" ]; then cp "$work/profile" "$PROFILE"; fi
done
few=$(allocated "$1" 1 1) && many=$(allocated "$1" 1 100001) && crowd=$(allocated "$1" 50 1) || exit 1
read -r socket operation <<S
$("$work/sizes")
S
if ! strace -f -qq -o "$work/trace" "$work/posts" >/dev/null 2>"$work/errors"; then
    not_ok 'posts' "$(head -n 1 "$work/errors")"
fi
posting=$(awk '/write\(1, "begin/ { poster = $1; inside = 1; next } /write\(1, "end/ { inside = 0; ended = 1 }
               inside && $1 == poster { n++ } END { print ended ? n + 0 : "?" }' "$work/trace")

# --- the table ------------------------------------------------------------------------------------------

row() { printf '%-34s %10s %10s\n' "$@"; }
row 'per message of 64 bytes' minimio 'by hand'
for connections in 1 50 1000; do
    cat "$work/minimio.$connections" "$work/by_hand.$connections" | cut -d ' ' -f 1 | sort -u >"$work/names"
    while read -r call; do
        row "$call, $connections connection(s)" "$(number minimio.$connections "$call")" \
            "$(number by_hand.$connections "$call")"
    done <"$work/names"
    row "system calls, $connections connection(s)" "$(sum minimio.$connections)" "$(sum by_hand.$connections)"
done
for connections in 1 50; do
    row "instructions, $connections connection(s)" "$(cat "$work/minimio.instructions.$connections")" \
        "$(cat "$work/by_hand.instructions.$connections")"
done
row 'allocations, in 100,000 messages' $((many - few)) -
row 'allocations, in 49 connections' $((crowd - few)) -
row 'epoll_ctl per connection, of 1,000' \
    "$(awk '/^epoll_ctl/ { n += $2 } END { printf "%.3f", n / 1000 }' "$work/minimio.1000.all")" \
    "$(awk '/^epoll_ctl/ { n += $2 } END { printf "%.3f", n / 1000 }' "$work/by_hand.1000.all")"
row 'bytes for an idle connection' $((socket + operation)) -
row 'system calls in 1,000 posts and wakes' "$posting" -

# --- the limits -----------------------------------------------------------------------------------------

# A handful of calls may fall into one run and not into the other
for connections in 1 50 1000; do
    for call in recvfrom sendto; do
        n=$(number minimio.$connections $call)
        limit "one $call per message at $connections connection(s)" "$n > 0.99 && $n < 1.01"
    done
    limit "no other call per message at $connections connection(s)" "$(other minimio.$connections) < 0.01"
done
limit 'one epoll_wait per message at 1 connection' "$(waits minimio.1) > 0.99 && $(waits minimio.1) < 1.01"
limit 'less than one epoll_wait per message at 50 connections' "$(waits minimio.50) < 1"
limit 'less than one epoll_wait per message at 1000 connections' "$(waits minimio.1000) < 1"
for connections in 1 50 1000; do        # and the waker's and the listener's
    added=$(number minimio.$connections.all epoll_ctl:ADD) removed=$(number minimio.$connections.all epoll_ctl:DEL)
    limit "one ADD per connection, of $connections" "$added >= $connections && $added <= $connections + 2"
    limit "one DEL per connection, of $connections" "$removed == $connections"
    limit "no MOD, of $connections" "$(number minimio.$connections.all epoll_ctl:MOD) == 0"
done
limit 'at most 400 instructions at 1 connection' "$(cat "$work/minimio.instructions.1") <= 400"
limit 'at most 250 instructions at 50 connections' "$(cat "$work/minimio.instructions.50") <= 250"
limit 'no look at the clock in 11,000 messages' "$(cat "$work/minimio.clock") < 1000"
limit 'no allocation in 100,000 messages' "$many == $few"
limit 'no allocation in 49 connections' "$crowd == $few"
limit 'at most 256 bytes for an idle connection' "$socket + $operation <= 256"
if [ "$posting" = 0 ]; then ok 'a post to a queue that is awake makes no system call'
else not_ok 'a post to a queue that is awake makes no system call' "$posting in 1,000 posts and wakes"; fi
exit $failed
