#!/bin/sh
# worker and echo_cores, tested as programs: other threads, several queues, Ctrl-C
#
#   BIN=build/bin    the programs             GENERATED=generated   their sources, and the library's
#
# With clang they are also built and run with ThreadSanitizer; on Linux, with kqueue's model below the library, and
# for Windows, under Wine
set -u
cd "$(dirname "$0")/.." || exit 1
BIN=${BIN:-build/bin} GENERATED=${GENERATED:-generated} CC=${CC:-cc}
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/threads.XXXXXX")
. ./tests/programs/server.sh
. ./tangle/systems
RUN='' EXE=''

if [ ! -x "$BIN/worker" ] || [ ! -x "$BIN/echo_cores" ]; then
    echo "not ok - threads: no $BIN/worker or $BIN/echo_cores; run 'make tangle'"
    exit 1
fi
if ! $CC -std=c11 -O1 -I"$GENERATED/examples" -o "$work/echoes" tests/programs/echoes.c \
        "$GENERATED"/examples/common/*.c -pthread 2> "$work/errors"; then
    echo "not ok - threads: the clients do not compile: $(first "$work/errors")"
    exit 1
fi

# limited SECONDS COMMAND...: its status, or 124 (killed) when the time is up
limited() {
    seconds=$1
    shift
    "$@" &
    it=$!
    (sleep "$seconds"; kill -s KILL $it) > /dev/null 2>&1 &
    watch=$!
    wait $it
    status=$?
    kill $watch 2> /dev/null
    return $status
}

# start FOLDER THREADS: an echo_cores of our own
# shellcheck disable=SC2086  # RUN is a command with its arguments
start() { serve echo_cores $RUN "$1/echo_cores$EXE" 0 "$2"; }
# interrupt: Ctrl-C; sets status to how it ended within half a minute
interrupt() { end INT 30; }
# meanwhile MODE CLIENTS WORD: clients that stay until they are ended; returns when they have said WORD
meanwhile() {
    : > "$work/stay"
    "$work/echoes" "$port" "$2" "$1" > "$work/stay" 2>&1 < /dev/null &
    stay=$!
    tries=0
    until grep -q "$3" "$work/stay" || [ $tries -ge 600 ]; do sleep 0.1; tries=$((tries + 1)); done
}

# the_worker FOLDER UNDER: all results, in order
the_worker() {
    # shellcheck disable=SC2086
    limited 60 $RUN "$1/worker$EXE" > "$work/out" 2> "$work/err"
    ended=$?
    told "$work/out" "$work/err"
    is "$2worker: ends with 0 and says nothing on standard error" '0 ' "$ended $(first "$work/err")"
    is "$2worker: ten results, in order, none lost" '10 results, 78498 primes, then the ticks' "$(awk '
        $4 == "primes" || $5 == "primes" { gsub(":", ""); if ($1 == n * 100000 && $3 == $1 + 99999) n++; sum += $4 }
        $2 == "ticks" && NR == 11 { then = ", then the ticks" } END { print n " results, " sum " primes" then }' "$work/out")"
}

# the_cores FOLDER UNDER BYTES: echoed, shared, ended
the_cores() {
    start "$1" 4
    if [ -z "$port" ]; then
        not_ok "$2echo_cores says its port" "it says '$(first "$work/said")' and '$(first "$work/errors")'"
        return
    fi
    is "$2echo_cores: 100 clients on 4 threads, all echoed" '100 of 100' "$("$work/echoes" "$port" 100 "$3" 2>&1)"
    interrupt
    told "$work/said"
    is "$2echo_cores: SIGINT ends it with 0 and without a word on standard error" '0 ' "$status $(first "$work/errors")"
    is "$2echo_cores: each thread served 25" '25 25 25 25' \
        "$(awk '/^thread/ { printf "%s%s", space, $4; space = " " }' "$work/said")"

    start "$1" 3
    meanwhile stay 8 'all here'
    interrupt
    told "$work/said"
    wait $stay
    is "$2echo_cores: SIGINT with 8 clients connected: all ended, status 0" '0, 8 of 8, served 8' \
        "$status, $(tail -n 1 "$work/stay"), served $(awk '/^thread/ { n += $4 } END { print n }' "$work/said")"

    start "$1" 2
    meanwhile stuff 4 'all stuffed'
    interrupt
    wait $stay
    is "$2echo_cores: SIGINT with 4 clients that read nothing: all ended, status 0" '0, 4 of 4' \
        "$status, $(tail -n 1 "$work/stay")"

    start "$1" 64
    interrupt
    told "$work/said"
    is "$2echo_cores: 64 threads with nothing to do end too" '0 64' "$status $(grep -c ' served 0$' "$work/said")"
}

the_worker "$BIN" ''
the_cores "$BIN" '' 100000

wrong=''
for arguments in '' '0' '0 0' '0 65' '0 x' '0 4 4'; do
    # shellcheck disable=SC2086  # words
    "$BIN/echo_cores" $arguments > "$work/out" 2> "$work/err" < /dev/null
    said="$? $(first "$work/err")"
    [ "$said" = '2 usage: echo_cores PORT THREADS' ] || wrong="$arguments: $said"
done
"$BIN/echo_cores" 65536 4 > "$work/out" 2> "$work/err" < /dev/null
said="$? $(first "$work/err")"
[ "$said" = "2 echo_cores: PORT must be a number from 0 to 65535, not '65536'" ] || wrong=$said
is 'echo_cores: bad arguments' '' "$wrong"
start "$BIN" 1
"$BIN/echo_cores" "$port" 1 > "$work/out" 2> "$work/err" < /dev/null
is 'echo_cores on a port in use: exit 1 and one line' '1 bind: address in use' "$? $(cat "$work/err")"
interrupt

# build FOLDER COMPILER OPTION...: both programs, with the library's sources
build() {
    folder=$work/$1 compiler=$2
    shift 2
    mkdir -p "$folder"
    for program in worker echo_cores; do
        $compiler -std=c11 -O1 -g -I"$GENERATED/include" -I"$GENERATED/examples" -o "$folder/$program$EXE" \
            "$GENERATED/examples/$program.c" "$GENERATED"/src/*.c "$GENERATED"/examples/common/*.c \
            "$@" > "$work/errors" 2>&1 || return 1
    done
}

if ! command -v clang > /dev/null; then echo 'skip - threads with ThreadSanitizer: missing clang'
elif build tsan clang -fsanitize=thread -pthread; then
    export TSAN_OPTIONS='exitcode=66'
    the_worker "$work/tsan" 'ThreadSanitizer, '
    the_cores "$work/tsan" 'ThreadSanitizer, ' 20000
else not_ok 'threads with ThreadSanitizer' "$(first "$work/errors")"
fi
if [ "$(uname -s)" = Linux ]; then
    if build kqueue "$CC" -DMIO_KQUEUE -Itests/kqueue tests/kqueue/kqueue.c -pthread; then
        the_worker "$work/kqueue" 'model of kqueue, '
        the_cores "$work/kqueue" 'model of kqueue, ' 20000
    else not_ok 'threads on the model of kqueue' "$(first "$work/errors")"
    fi
fi
case $systems in
here) ;;
*)
    system windows
    RUN=$run EXE=$exe
    if ! installed; then echo "skip - threads on Windows, under Wine: missing $need"
    elif [ ! -x "$run" ]; then echo 'skip - threads on Windows, under Wine: missing wine64'
    else
        # shellcheck disable=SC2086
        if build windows "$cc" $libs; then
            trap 'stop; wine_stop; rm -rf "$work"' EXIT
            wine_start
            the_worker "$work/windows" 'Windows, under Wine, '
            the_cores "$work/windows" 'Windows, under Wine, ' 20000
        else not_ok 'threads on Windows, under Wine' "$(first "$work/errors")"
        fi
    fi ;;
esac
exit $failed
