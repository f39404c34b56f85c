#!/bin/sh
# delayd and the fans, tested as programs
#
#   BIN=build/bin    the programs             GENERATED=generated   the sources of sys.h
#   RUN='wine64'     what runs them           EXE=.exe              how their names end
#   CROWD=1000       how many clients at once
# shellcheck disable=SC3045  # dash and bash have ulimit -n; elsewhere it is not used
set -u
cd "$(dirname "$0")/.." || exit 1
BIN=${BIN:-build/bin} GENERATED=${GENERATED:-generated} RUN=${RUN:-} EXE=${EXE:-} CROWD=${CROWD:-1000}
CC=${CC:-cc}
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/programs.XXXXXX")
. ./tests/programs/server.sh
ulimit -n 4096 2>/dev/null || true

clients() { "$work/clients" "$port" "$@"; }

# crowd N MS: so many clients at once, and no answer before one that was due 25 ms earlier. A busy machine may let the
# server wait for longer than that, a few times, and says so here; a server that is wrong is wrong each time
crowd() {
    for again in 1 2 3 4 5 6 7 8 9 ''; do
        before=$(ticks)
        if clients crowd "$1" "$2" >"$work/out"; then return 0; fi
        grep -q 'out of order' "$work/out" || return 1
        [ -z "$again" ] || echo "# $1 clients: $(cat "$work/out"); again"
    done
    return 1
}

# start [ARGUMENT]: a delayd of our own
# shellcheck disable=SC2086
start() { serve delayd $RUN "$BIN/delayd$EXE" "${1:-0}"; }

if [ ! -x "$BIN/delayd$EXE" ]; then
    echo "not ok - programs: no $BIN/delayd$EXE; run 'make tangle'"
    exit 1
fi
if ! $CC -std=c11 -O1 -I"$GENERATED/examples" -o "$work/clients" tests/programs/clients.c \
        "$GENERATED"/examples/common/*.c -pthread 2>"$work/errors"; then
    echo "not ok - programs: the clients do not compile: $(first "$work/errors")"
    exit 1
fi

# ---------------------------------------------------------------- the port, the arguments
start
if [ -z "$port" ]; then
    not_ok 'delayd 0 prints its port' "it says '$(first "$work/said")' and '$(first "$work/errors")'"
    exit 1
fi
ok 'delayd 0 prints its port'
open=$(files)

# A client too slow for the five seconds that delayd gives it; it takes them while the rest is tested
began=$(date +%s)
(printf 'GET /10/slow HTTP/1.1\r\nX: 1234567890123456789012345678901234567890\r\n\r\n' |
    "$work/clients" "$port" say 1 250 >"$work/slow"; date +%s >"$work/slow-end") &
slow=$!

program delayd "$port" >"$work/out" 2>"$work/err"
is 'delayd on a port in use: exit 1' 1 $?
is 'delayd on a port in use: one line, naming it' "1 0 1" \
    "$(wc -l <"$work/err" | tr -d ' ') $(wc -l <"$work/out" | tr -d ' ') $(grep -c "cannot listen on 127.0.0.1:$port: " "$work/err")"

# refuses PROGRAM LOWEST: what is no port is refused, with the argument and the reason
refuses() {
    wrong=''
    for argument in '' abc -1 65536 70000 12x ' 7' 99999999999999999999 +5; do
        program "$1" "$argument" >"$work/out" 2>"$work/err" </dev/null
        said="$? $(wc -c <"$work/out" | tr -d ' ') $(first "$work/err")"
        [ "$said" = "2 0 $1: PORT must be a number from $2 to 65535, not '$argument'" ] || wrong=$said
    done
    program "$1" >/dev/null 2>"$work/err"
    said="$? $(first "$work/err")"
    [ "$said" = "2 usage: $1 PORT" ] || wrong=$said
    program "$1" 1 2 >/dev/null 2>"$work/err"
    said="$? $(first "$work/err")"
    [ "$said" = "2 usage: $1 PORT" ] || wrong=$said
    is "$1: bad arguments" '' "$wrong"
}
refuses delayd 0
refuses fan_poll 1
if [ -z "$RUN" ]; then
    refuses fan_blocking 1
    refuses fan_threads 1
fi

# ---------------------------------------------------------------- the fans
# fan NAME ORDER: the order of the answers, each not before its time
fan() {
    program "$1" "$port" 2>"$work/err" </dev/null | tr -d '\r' >"$work/out"
    is "$under$1: the order of the answers" "$2" "$(awk '{ printf "%s%s", space, $3; space = " " }' "$work/out")"
    is "$under$1: no answer before its time" '' "$(awk '$2 != "ms" || $1 < $5 || $6 != "ms"' "$work/out")$(cat "$work/err")"
}
fan fan_blocking 'first, second, third, fourth, fifth,'
fan fan_threads 'fifth, fourth, third, second, first,'
together=$(tail -n 1 "$work/out" | awk '{ print ($1 < 1400) }')
is 'fan_threads: the waits overlap' 1 "$together"
fan fan_poll 'fifth, fourth, third, second, first,'
together=$(tail -n 1 "$work/out" | awk '{ print ($1 < 1400) }')
is 'fan_poll: the waits overlap' 1 "$together"

if [ -x "$BIN/fan_limit$EXE" ]; then
    is 'fan_limit: two answers, then the time is up' 'fifth, fourth, no time for the other 3' \
        "$(program fan_limit "$port" | tr -d '\r' | sed 's/.* ms  \(no.*\)/\1/; s/.* ms  \(.*,\) after.*/\1/' | tr '\n' ' ' | sed 's/ $//')"
    is 'fan_spin: the answers, and many calls' 'fifth, fourth, third, second, first, of 1' \
        "$(program fan_spin "$port" | tr -d '\r' | awk '/calls of poll/ { print $3, ($1 > 100); next } { printf "%s ", $3 }')"
fi

"$work/clients" 0 cut >"$work/port" &
cut=$!
until [ -s "$work/port" ]; do sleep 0.1; done
program fan_poll "$(cat "$work/port")" >"$work/out" 2>"$work/err"
is 'fan_poll: an answer cut short, exit 1 and one line' "1 1 0 1" \
    "$? $(wc -l <"$work/err" | tr -d ' ') $(wc -l <"$work/out" | tr -d ' ') $(grep -c 'cut short' "$work/err")"
kill $cut 2>/dev/null
wait $cut 2>/dev/null

# ---------------------------------------------------------------- what delayd understands
# says NAME STATUS-LINE REQUEST [PIECE GAP [half]]: the answer's first line
says() {
    name=$1 want=$2 text=$3
    shift 3
    # shellcheck disable=SC2059  # the request has \r\n in it
    printf "$text" | clients say "$@" | tr -d '\000' >"$work/answer"
    is "$name" "$want" "$(first "$work/answer")"
}
good='HTTP/1.1 200 OK'
bad='HTTP/1.1 400 Bad Request'
long=$(printf '%0300d' 0)
head=$long$long$long$long
says 'a plain request' "$good" 'GET /0/tea HTTP/1.1\r\nHost: x\r\n\r\n'
is 'its answer names the request' 'tea, after 0 ms' "$(tail -n 1 "$work/answer")"
is 'its length is right' "$(tail -n 1 "$work/answer" | wc -c | tr -d ' ')" "$(tr -d '\r' <"$work/answer" | sed -n 's/^Content-Length: //p')"
says 'no name' "$good" 'GET /5 HTTP/1.1\r\n\r\n'
says 'an empty name' "$good" 'GET /5/ HTTP/1.1\r\n\r\n'
says 'HTTP/1.0' "$good" 'GET /5/x HTTP/1.0\r\n\r\n'
says 'lines that end with a newline only' "$good" 'GET /5/x HTTP/1.1\n\n'
says 'empty lines first' "$good" '\r\n\r\nGET /5/x HTTP/1.1\r\n\r\n'
says 'HEAD' "$good" 'HEAD /5/x HTTP/1.1\r\n\r\n'
is 'HEAD has no body' '' "$(tail -n 1 "$work/answer" | tr -d '\r')"
says 'one byte at a time' "$good" 'GET /5/x HTTP/1.1\r\nHost: x\r\n\r\n' 1 5
says 'half closed after the request' "$good" 'GET /300/x HTTP/1.1\r\n\r\n' 1000 0 half
says 'two requests in one' "$good" 'GET /5/x HTTP/1.1\r\n\r\nGET /5/y HTTP/1.1\r\n\r\n'
is 'only the first is answered' 1 "$(grep -c '^HTTP' "$work/answer")"
says 'the longest line' "$good" "GET /5/$(printf '%0236d' 0) HTTP/1.1\r\n\r\n"
says 'no path' "$bad" 'GET / HTTP/1.1\r\n\r\n'
says 'a path without a number' "$bad" 'GET /tea HTTP/1.1\r\n\r\n'
says 'a number with a letter' "$bad" 'GET /10x HTTP/1.1\r\n\r\n'
says 'a negative delay' "$bad" 'GET /-5/x HTTP/1.1\r\n\r\n'
says 'a delay over a minute' "$bad" 'GET /60001/x HTTP/1.1\r\n\r\n'
says 'a delay past all numbers' "$bad" "GET /$(printf '%0100d' 0 | tr 0 9) HTTP/1.1\r\n\r\n"
says 'no version' "$bad" 'GET /10/x\r\n\r\n'
says 'another version' "$bad" 'GET /10/x HTTP/2.0\r\n\r\n'
says 'two spaces' "$bad" 'GET  /10/x HTTP/1.1\r\n\r\n'
says 'nothing but spaces' "$bad" '  \r\n\r\n'
says 'one word' "$bad" 'nonsense\r\n\r\n'
says 'a control character' "$bad" 'GET /10/\001 HTTP/1.1\r\n\r\n'
says 'a zero byte' "$bad" 'GET /10/x HTTP/1.1\000\r\n\r\n'
says 'another method' 'HTTP/1.1 405 Method Not Allowed' 'POST /10/x HTTP/1.1\r\n\r\n'
is 'it is told which are allowed' 'Allow: GET, HEAD' "$(tr -d '\r' <"$work/answer" | grep '^Allow')"
says 'a line too long' 'HTTP/1.1 414 URI Too Long' "GET /10/$long HTTP/1.1\r\n\r\n"
says 'a head too long' 'HTTP/1.1 431 Request Header Fields Too Large' \
    "GET /10/x HTTP/1.1\r\nA: $head\r\nB: $head\r\nC: $head\r\nD: $head\r\nE: $head\r\nF: $head\r\nG: $head\r\n\r\n"
{ printf 'POST /10/x HTTP/1.1\r\n\r\n'; dd if=/dev/zero bs=1000 count=900 2>/dev/null; } |
    clients say 20000 >"$work/answer"
is 'a client that goes on sending gets its answer, and no reset' 'HTTP/1.1 405 Method Not Allowed 0' \
    "$(first "$work/answer") $(grep -c '(reset)' "$work/answer")"

if command -v curl >/dev/null; then
    is 'curl: GET' 'cake, after 50 ms' "$(curl -s "http://127.0.0.1:$port/50/cake")"
    is 'curl: HEAD' 'HTTP/1.1 200 OK' "$(curl -sI "http://127.0.0.1:$port/50/cake" | head -n 1 | tr -d '\r')"
    is 'curl: POST' 405 "$(curl -s -o "$work/out" -w '%{http_code}' -d x=1 "http://127.0.0.1:$port/50/cake")"
    is 'curl: several, one connection refused after another' 'a, after 20 ms b, after 10 ms ' \
        "$(curl -s "http://127.0.0.1:$port/20/a" "http://127.0.0.1:$port/10/b" | tr '\n' ' ')"
else
    skip 'curl as a client' 'missing curl'
fi

# ---------------------------------------------------------------- many, and badly behaved
if crowd "$CROWD" 500; then ok "$CROWD clients at once: $(cat "$work/out")"
else not_ok "$CROWD clients at once" "$(cat "$work/out")"; fi
spent=$(($(ticks) - ${before:-0}))
if [ -n "$before" ] && [ -z "$RUN" ]; then
    if [ $spent -lt 50 ]; then ok 'a waiting crowd takes little processor time'
    else not_ok 'a waiting crowd takes little processor time' "${spent}0 ms"; fi
else
    skip 'a waiting crowd takes little processor time' 'only on Linux'
fi

if [ -n "$before" ] && [ -z "$RUN" ]; then
    before=$(ticks)
    clients queue 300 3
    is 'the last millisecond is slept, not spun' 1 "$(($(ticks) - before < 15))"
fi
clients vanish 240 >"$work/out"
is 'clients that vanish, half of them with a reset' '0 ' "$? $(cat "$work/out")"
says 'after them, a plain request' "$good" 'GET /0/tea HTTP/1.1\r\n\r\n'
wait $slow
is 'a slow client gets 408' 'HTTP/1.1 408 Request Timeout' "$(first "$work/slow")"
took=$(($(cat "$work/slow-end") - began))
is 'after about five seconds' 1 "$((took >= 4))"
if [ -n "$before" ] && [ -z "$RUN" ]; then
    sleep 0.3                   # the last of the vanished are held for 200 ms
    is 'no descriptor is left over' "$open" "$(files)"
    before=$(ticks)
    printf 'GET /800/x HTTP/1.1\r\n\r\n' | clients say 1000 0 half >"$work/answer"
    is 'while a half-closed client is held, it sleeps' 1 "$(($(ticks) - before < 5))"
fi

# ---------------------------------------------------------------- the end
if [ -z "$RUN" ]; then
    (clients say 1000 >"$work/answer" 2>&1 <<'END'
GET /60000/late HTTP/1.1

END
    ) &
    held=$!
    sleep 0.3
    end INT
    is 'Ctrl-C ends delayd, also with a client held' "0 0" "$status $(wc -c <"$work/errors" | tr -d ' ')"
    wait $held
    used=$port
    start "$used"
    is 'the same port can be had again at once' "$used" "$port"
    end TERM
    is 'SIGTERM ends it too' 0 "$status"
else
    stop
    sleep 0.5
fi
for name in fan_poll fan_threads fan_blocking; do
    program $name "$port" >"$work/out" 2>"$work/err" </dev/null
    is "$name without a server: exit 1 and one line" "1 0 1 1" \
        "$? $(wc -c <"$work/out" | tr -d ' ') $(wc -l <"$work/err" | tr -d ' ') $(grep -c "port $port: connect: ." "$work/err")"
done

# ---------------------------------------------------------------- scarcity
if [ -n "$RUN" ]; then
    skip 'no descriptors left' 'only where they are limited'
else
    soft=$(ulimit -n)
    ulimit -S -n 64
    start
    ulimit -S -n "$soft"
    clients crush 200 6000 >"$work/out" &
    crush=$!
    until_files 64
    before=$(ticks)
    sleep 1.4
    if [ -n "$before" ]; then
        is 'no descriptors left: it does not spin' 1 "$(($(ticks) - before < 40))"
        is 'no descriptors left: it uses all it has' 1 "$(($(files) >= 64))"
    fi
    is 'no descriptors left: it lives' '' "$(kill -0 $server 2>&1)"
    wait $crush
    says 'no descriptors left: it recovers' "$good" 'GET /0/tea HTTP/1.1\r\n\r\n'
    stop
fi

case "$(uname -s)$RUN" in
Linux)
    if $CC -shared -fPIC -o "$work/nibble.so" tests/programs/nibble.c -ldl 2>"$work/err"; then
        LD_PRELOAD=$work/nibble.so
        export LD_PRELOAD
        start
        under='byte by byte, with refusals: '
        fan fan_poll 'fifth, fourth, third, second, first,'
        fan fan_threads 'fifth, fourth, third, second, first,'
        unset LD_PRELOAD
        under=''
        says 'byte by byte, with refusals: a plain request' "$good" 'GET /5/x HTTP/1.1\r\n\r\n'
        if crowd 50 100; then ok 'byte by byte, with refusals: 50 clients'
        else not_ok 'byte by byte, with refusals: 50 clients' "$(cat "$work/out")"; fi
        clients crush 1 1500 >"$work/out" &
        crush=$!
        sleep 0.2
        says 'byte by byte, with refusals: a request beside a silent client' "$good" 'GET /5/x HTTP/1.1\r\n\r\n'
        is 'byte by byte, with refusals: a silent client holds nobody up' '' "$(kill -0 $crush 2>&1)"
        wait $crush
        clients vanish 48
        sleep 0.5
        says 'byte by byte, with refusals: clients that vanish' "$good" 'GET /5/x HTTP/1.1\r\n\r\n'
        stop
    else
        not_ok 'byte by byte' "nibble.c does not compile: $(first "$work/err")"
    fi ;;
*)  skip 'byte by byte, with refusals' 'only on Linux' ;;
esac

if [ -n "$RUN" ]; then
    skip 'under valgrind' 'not with another runner'
elif command -v valgrind >/dev/null; then
    RUN="valgrind -q --error-exitcode=9 --leak-check=full --log-file=$work/valgrind"
    start
    clients crowd 100 300 >"$work/out"
    clients vanish 48
    says 'under valgrind: a bad request' "$bad" 'nonsense\r\n\r\n'
    (printf 'GET /' | clients say 5 3000 >/dev/null) &
    sleep 0.2
    end INT
    is 'under valgrind: no error, no leak' "0 " "$status $(head -n 3 "$work/valgrind" | tr '\n' ' ')"
    RUN="valgrind -q --error-exitcode=9 --log-file=$work/valgrind"
    start
    program fan_poll "$port" >"$work/out" 2>"$work/err"
    is 'under valgrind: fan_poll' 0 $?
    RUN=''
    stop
else
    skip 'under valgrind' 'missing valgrind'
fi

# ---------------------------------------------------------------- what it costs
program costs >"$work/out" 2>"$work/err"
is 'costs: exit 0, nine lines or more' '0 1' "$? $(($(wc -l <"$work/out") >= 9))"
program costs tea >"$work/out" 2>"$work/err"
is 'costs: a bad argument' '2 usage: costs [threads|poll]' "$? $(first "$work/err")"
exit $failed
