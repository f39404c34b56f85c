#!/bin/sh
# The programs on the library: fan, echod, http_get and chat, tested as programs
#
#   BIN=build/bin            the programs
#   GENERATED=generated      the sources: examples/*.c and src/*.c are compiled once more with the sanitizers,
#                            and for Windows
#   PROGRAMS, LIBRARY        those sources, if they are elsewhere; LIBRARY may have flags and other files
#   SANITIZE=                empty: not with the sanitizers
#   WINDOWS=                 empty: not for Windows, under Wine
# shellcheck disable=SC3045  # dash and bash have ulimit -n; elsewhere it is not used
# takes: 110
set -u
cd "$(dirname "$0")/.." || exit 1
BIN=${BIN:-build/bin} GENERATED=${GENERATED:-generated} CC=${CC:-cc}
PROGRAMS=${PROGRAMS:-$GENERATED/examples} LIBRARY=${LIBRARY:--I$GENERATED/include $GENERATED/src/*.c}
SANITIZE=${SANITIZE--fsanitize=address,undefined -fno-sanitize-recover=all}
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/minimio-programs.XXXXXX")
used=''
. ./tests/programs/server.sh
. ./tangle/systems
RUN='' EXE=''
ulimit -n 4096 2>/dev/null || true
lines() { wc -l <"$1" | tr -d ' '; }
peers() { "$work/peers" "$@"; }

export SAID="$work/said"
# start PROGRAM [PORT]
# shellcheck disable=SC2086
start() { serve "$1" $RUN "$BIN/$1$EXE" "${2:-0}"; }
# ran NAME ARGUMENT...: run a program; its words are in out and err; its status
ran() {
    program "$@" >"$work/out" 2>"$work/err" </dev/null
    ended=$?
    told "$work/err"
    [ "$1" = http_get ] || told "$work/out"     # it prints what it gets
    return $ended
}
# it_ended: it exits 0, and has not complained
it_ended() { is "$1" '0 ' "$status $(head -n 3 "$work/errors" | tr '\n' ' ')"; }

for name in delayd fan echod http_get chat; do
    if [ ! -x "$BIN/$name" ]; then
        echo "not ok - minimio-programs: no $BIN/$name; run 'make tangle'"
        exit 1
    fi
done
if ! $CC -std=c11 -O1 -I"$GENERATED/examples" -o "$work/peers" tests/programs/peers.c \
        "$GENERATED"/examples/common/*.c -pthread 2>"$work/errors"; then
    echo "not ok - minimio-programs: the peers do not compile: $(first "$work/errors")"
    exit 1
fi

# refuses PROGRAM LOWEST: what is no port is refused, with the argument and the reason
refuses() {
    wrong=''
    for argument in '' abc -1 65536 12x ' 7' 99999999999999999999 +5; do
        ran "$1" "$argument"
        said="$? $(wc -c <"$work/out" | tr -d ' ') $(first "$work/err")"
        [ "$said" = "2 0 $1: PORT must be a number from $2 to 65535, not '$argument'" ] || wrong=$said
    done
    ran "$1"
    said="$? $(first "$work/err")"
    [ "$said" = "2 usage: $1 PORT" ] || wrong=$said
    is "$1: bad arguments" '' "$wrong"
}

# ---------------------------------------------------------------- fan
test_fan() {
    refuses fan 1
    start delayd
    ran fan "$port"
    is 'fan: exit 0' 0 $?
    is 'fan: five answers in reverse order' 'fifth, fourth, third, second, first,' \
        "$(awk '{ printf "%s%s", space, $3; space = " " }' "$work/out")"
    is 'fan: no answer before its time' '' "$(awk '$2 != "ms" || $1 < $5 || $6 != "ms"' "$work/out")$(cat "$work/err")"
    stop
    ran fan "$port"
    is 'fan: without a server, exit 1' '1 0' "$? $(lines "$work/out")"
    is 'fan: each question says what failed' 5 "$(grep -c "^fan: question '[a-z]*' to port $port: connect: ." "$work/err")"
    : >"$work/serve"
    printf 'HTTP/1.1 200 OK\r\n\r\nfif' | peers serve end >"$work/serve" &
    until_said "$work/serve" .
    ran fan "$(first "$work/serve")"
    is 'fan: a server that takes one question and answers half: exit 1' '1 0 5' \
        "$? $(lines "$work/out") $(lines "$work/err")"
    wait $!
}

# ---------------------------------------------------------------- echod
test_echod() {
    refuses echod 0
    start echod
    if [ -z "$port" ]; then
        not_ok 'echod 0 prints its port' "it says '$(first "$work/said")' and '$(first "$work/errors")'"
        return
    fi
    ok 'echod 0 prints its port'
    [ -n "$RUN" ] && open=0 || open=$(files)    # Wine's server has them
    ran echod "$port"
    is 'echod: a port in use: exit 1 and one line' "1 0 1 1" \
        "$? $(lines "$work/out") $(lines "$work/err") $(grep -c "cannot listen on 127.0.0.1:$port: " "$work/err")"
    is 'echod: one byte' '' "$(peers "$port" crowd 1 1)"
    is 'echod: an end without a byte' '' "$(peers "$port" crowd 1 0)"
    is 'echod: 200 clients that end their half' '' "$(peers "$port" crowd 200 20000)"
    is 'echod: ten million bytes' '' "$(peers "$port" crowd 1 10000000)"
    peers "$port" crowd 3 10000000 late >"$work/late" &
    late=$!
    sleep 0.3
    is 'echod: others while three do not read' '' "$(peers "$port" crowd 20 20000)"
    wait $late
    is 'echod: what three got that read late' '' "$(cat "$work/late")"
    is 'echod: 60 that leave with a reset' '' "$(peers "$port" reset 60)"
    is 'echod: others after that' '' "$(peers "$port" crowd 20 20000)"
    peers "$port" crowd 20 1000000 >"$work/late" &
    late=$!
    is 'echod: 60 that reset beside others' '' "$(peers "$port" reset 60)"
    wait $late
    is 'echod: the others' '' "$(cat "$work/late")"
    sleep 0.1
    [ "$open" = 0 ] || is 'echod: no descriptor is left over' "$open" "$(files)"
    : >"$work/hold"
    peers "$port" hold 20 6000 >"$work/hold" &
    held=$!
    peers "$port" crowd 1 10000000 late >/dev/null &
    late=$!
    until_said "$work/hold" held
    sleep 0.2
    before=$(ticks)
    sleep 0.3
    [ -z "$before" ] || is 'echod: it sleeps while nothing comes' 1 "$(($(ticks) - before < 5))"
    end INT
    it_ended 'echod: Ctrl-C with 21 clients connected: exit 0'
    wait $held $late
    is 'echod: they hear of it' '20 held 20 ended, 0 cut' "$(tr '\n' ' ' <"$work/hold" | sed 's/ $//')"
    used=$port
    start echod "$used"
    is 'echod: the same port at once' "$used" "$port"
    end TERM
    if [ -n "$RUN" ]; then skip 'echod: SIGTERM: exit 0' 'a Windows program gets no such signal: it is ended'
    else it_ended 'echod: SIGTERM: exit 0'
    fi
}

test_echod_scarce() {
    soft=$(ulimit -n)
    ulimit -S -n 64
    start echod
    ulimit -S -n "$soft"
    : >"$work/hold"
    peers "$port" hold 200 6000 >"$work/hold" &
    held=$!
    until_said "$work/hold" held
    until_files 64
    before=$(ticks)
    sleep 0.7
    if [ -n "$before" ]; then
        is 'echod: no descriptors left: it does not spin' 1 "$(($(ticks) - before < 10))"
        is 'echod: no descriptors left: it uses all it has' 1 "$(($(files) >= 64))"
    fi
    wait $held
    is 'echod: no descriptors left: it recovers' '' "$(peers "$port" crowd 20 20000)"
    is 'echod: no descriptors left: those who wait get their turn' '' "$(peers "$port" crowd 150 2000)"
    end INT
    it_ended 'echod: no descriptors left: exit 0'
}

# ---------------------------------------------------------------- http_get
# get NAME STATUS END ANSWER [PIECE GAP]: http_get against a server that gives this answer; leaves out, err, asked
get() {
    name=$1 want=$2 how=$3 answer=$4
    shift 4
    : >"$work/serve"
    # shellcheck disable=SC2059  # the answer has \r\n in it
    printf "$answer" | peers "${serve:-serve}" "$how" "$@" >"$work/serve" &
    serving=$!
    until_said "$work/serve" .
    # shellcheck disable=SC2086  # limit is an option and its value
    ran http_get ${limit:-} "http://${host:-127.0.0.1}:$(first "$work/serve")/a?b=c#d"
    is "http_get: $name" "$want" $?
    wait $serving
}
body() { is "http_get: $1: the body" "$2" "$(cat "$work/out")"; }
says() { is "http_get: $1: the reason" 1 "$(grep -c "^http_get: .*$2" "$work/err")"; }
head200='HTTP/1.1 200 OK\r\n'
chunked="${head200}Transfer-Encoding: chunked\r\n\r\n"
test_http_get() {
    start delayd
    is 'http_get: from delayd' 'tea, after 50 ms' "$(program http_get "http://127.0.0.1:$port/50/tea")"
    ran http_get "http://127.0.0.1:$port/tea"
    is 'http_get: 400: exit 6, the body and the reason' "6 1 http_get: 127.0.0.1:$port: 400 Bad Request" \
        "$? $(lines "$work/out") $(cat "$work/err")"
    ran http_get -t 1 "http://127.0.0.1:$port/3000/tea"
    is 'http_get: too late: exit 5' "5 0 1" "$? $(lines "$work/out") $(grep -c 'not done within 1 s,' "$work/err")"
    stop
    ran http_get "http://127.0.0.1:$port/50/tea"
    is 'http_get: refused: exit 1 and one line' "1 0 http_get: 127.0.0.1:$port: connect: connection refused" \
        "$? $(lines "$work/out") $(cat "$work/err")"

    wrong=''
    for url in '' x 127.0.0.1 https://127.0.0.1/ ftp://127.0.0.1/ http:// http://localhost/ http://example.org:80/ \
            http://127.0.0.1:0/ http://127.0.0.1:/ http://127.0.0.1:65536/ http://127.0.0.1:7x/ http://127.0.0.1:-1/ \
            'http://[::1/' 'http://[::1]x/' 'http://[127.0.0.1]:1x' http://me@127.0.0.1/ http://127.0.0.1]/ \
            'http://127.0.0.1/a b' "http://127.0.0.1/$(printf '\r')" "http://127.0.0.1/$(printf '\303\244')" \
            "http://127.0.0.1/$(printf '%03000d' 0)" "http://$(printf '%0300d' 0)/" 1.2.3 http://1.2.3/ 'http://127.0.0.1 /'; do
        ran http_get "$url"
        said="$? $(lines "$work/out") $(lines "$work/err")"
        [ "$said" = '2 0 1' ] || wrong="$wrong $url: $said $(cat "$work/err");"
    done
    for seconds in 0 -1 x 1x '' 99999999999999999999; do
        ran http_get -t "$seconds" http://127.0.0.1/
        [ $? = 2 ] || wrong="$wrong -t $seconds"
    done
    ran http_get -t || [ $? = 2 ] || wrong="$wrong -t without anything"
    is 'http_get: bad arguments' '' "$wrong"

    get 'a length' 0 end "${head200}Content-Length: 5\r\n\r\nhello"
    body 'a length' hello
    is 'http_get: what it asks' "GET /a?b=c HTTP/1.1|Host: 127.0.0.1:$(first "$work/serve")|Connection: close||" \
        "$(sed 1d "$work/serve" | tr -d '\r' | tr '\n' '|')"
    serve=serve6 host='[::1]'
    get 'over IPv6' 0 end "${head200}Content-Length: 5\r\n\r\nhello"
    is 'http_get: over IPv6: the host it names' "Host: [::1]:$(first "$work/serve")" "$(tr -d '\r' <"$work/serve" | sed -n 3p)"
    serve='' host=''
    get 'lines in the body' 0 end "${head200}\r\na\r\nb\n"
    is 'http_get: lines in the body: their ends stay what they are' 5 "$(wc -c <"$work/out" | tr -d ' ')"
    get 'a length, and more behind it' 0 hold "${head200}content-LENGTH:  5 \t\r\nContent-Length: 5\r\n\r\nhello, world"
    body 'a length, and more behind it' hello
    get 'a length of 0' 0 hold "${head200}Content-Length: 0\r\n\r\n"
    get 'byte by byte' 0 end "${head200}Content-Length: 5\r\n\r\nhello" 1 2
    body 'byte by byte' hello
    get 'until the end' 0 end "${head200}\r\nhello"
    body 'until the end' hello
    get 'until the end, which is empty' 0 end "${head200}\r\n"
    get 'HTTP/1.0' 0 end 'HTTP/1.0 200 OK\r\n\r\nhello'
    get 'no reason' 0 end 'HTTP/1.1 200\r\n\r\nhello'
    get '204 has no body' 0 hold 'HTTP/1.1 204 No Content\r\n\r\n'
    get '304 has no body' 6 hold 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'
    get '404' 6 end 'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone'
    body '404' none
    says '404' '404 Not Found'
    get '100 and 103 first' 0 end "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${head200}Content-Length: 5\r\n\r\nhello"
    body '100 and 103 first' hello
    get 'chunks' 0 hold "${chunked}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    body 'chunks' hello
    get 'chunks with extensions and a trailer' 0 hold \
        "${head200}Transfer-Encoding:CHUNKED\r\n\r\n2;a=b;c=\"d\"\r\nhe\r\n0003 ; x\r\nllo\r\n000;y\r\nSum: 7\r\n\r\n"
    body 'chunks with extensions and a trailer' hello
    get 'chunks byte by byte' 0 hold "${chunked}2\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n" 1 2
    body 'chunks byte by byte' hello
    zeros=$(dd if=/dev/zero bs=1000 count=100 2>/dev/null | tr '\000' 0)
    get 'a chunk of 100,000 bytes' 0 hold "${chunked}186a0\r\n$zeros\r\n0\r\n\r\n"
    is 'http_get: a chunk of 100,000 bytes: all of it' 100000 "$(wc -c <"$work/out" | tr -d ' ')"

    get 'ended early' 4 end "${head200}Content-Length: 100\r\n\r\nhello"
    says 'ended early' 'ended too early, 95 bytes of the body missing'
    body 'ended early' hello
    get 'a chunk ended early' 4 end "${chunked}ff\r\nhello"
    says 'a chunk ended early' '250 bytes of the chunk missing'
    get 'no last chunk' 4 end "${chunked}5\r\nhello\r\n"
    says 'no last chunk' 'before its last chunk'
    get 'no end of the trailer' 4 end "${chunked}5\r\nhello\r\n0\r\nA: b\r\n"
    get 'no answer' 4 end ''
    says 'no answer' 'in its head'
    get 'half a head' 4 end "${head200}Content-"
    get 'a reset in the head' 1 reset "${head200}"
    says 'a reset in the head' 'receive: connection reset, in its head'
    get 'a reset in the body' 1 reset "${head200}Content-Length: 100\r\n\r\nhello"
    says 'a reset in the body' 'receive: connection reset, 95 bytes of the body missing'
    get 'a reset is no end' 1 reset "${head200}\r\nhello"
    says 'a reset is no end' 'receive: connection reset'

    for answer in 'hello\r\n' 'HTTP/2.0 200 OK\r\n\r\n' 'HTTP/1.1 20 OK\r\n\r\n' 'HTTP/1.1 2000 OK\r\n\r\n' 'HTTP/1.1 600 X\r\n\r\n' \
            'HTTP/1.1  200 OK\r\n\r\n' 'HTTP/1.x 200 OK\r\n\r\n' 'HTTP/1.1 099 X\r\n\r\n' 'HTTP/1.1 -20 X\r\n\r\n' \
            'HTTP/1.1 200OK\r\n\r\n' 'HTTP/1.1 200 OK\n\n' 'HTTP/1.1 200 OK\r\rX' 'HTTP/1.1 200 O\000K\r\n\r\n' '\r\n' \
            'HTTP/1.1 101 Switching Protocols\r\n\r\n' \
            "${head200}: x\r\n\r\n" "${head200}A b: x\r\n\r\n" "${head200}A : x\r\n\r\n" "${head200}nothing\r\n\r\n" \
            "${head200}A: b\r\n c\r\n\r\n" "${head200}A: b\000c\r\n\r\n" "${head200}A: \033[2J\r\n\r\n" \
            "${head200}Content-Length:\r\n\r\n" "${head200}Content-Length: -5\r\n\r\n" "${head200}Content-Length: +5\r\n\r\n" \
            "${head200}Content-Length: 5x\r\n\r\n" "${head200}Content-Length: 5, 5\r\n\r\n" "${head200}Content-Length: 0x5\r\n\r\n" \
            "${head200}Content-Length: 18446744073709551615\r\n\r\nhello" "${head200}Content-Length: 18446744073709551616\r\n\r\nhello" "${head200}Content-Length: 99999999999999999999999\r\n\r\nhello" \
            "${head200}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" \
            "${head200}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello" \
            "${head200}Transfer-Encoding: gzip, chunked\r\n\r\nhello" "${head200}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" \
            'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' \
            "${chunked}\r\nhello" "${chunked}x\r\nhello" "${chunked}-5\r\nhello" "${chunked}5 5\r\nhello\r\n" "${chunked}5\nhello\r\n" \
            "${chunked} 5\r\nhello\r\n" "${chunked}0x5\r\nhello\r\n" "${chunked}ffffffffffffffff\r\nhello\r\n" "${chunked}10000000000000005\r\nhello\r\n" \
            "${chunked}ffffffffffffffffffffffff\r\nhello\r\n" "${chunked}4\r\nhello\r\n0\r\n\r\n" "${chunked}5\r\nhelloX0\r\n\r\n" \
            "${chunked}0\r\nnothing\r\n\r\n"; do
        # shellcheck disable=SC1003  # a backslash becomes a slash
        get "malformed: $(printf '%.60s' "$answer" | tr '\\' '/')" 3 hold "$answer"
        [ "$(lines "$work/err")" = 1 ] || not_ok 'http_get: one line of reason' "$(cat "$work/err")"
    done
    get 'a length of all there is' 4 end "${head200}Content-Length: 9223372036854775807\r\n\r\nhello"
    says 'a length of all there is' '9223372036854775802 bytes of the body missing'
    get 'a chunk of all there is' 4 end "${chunked}7fffffffffffffff\r\nhello"
    get 'a line without an end' 3 repeat 'HTTP/1.1 200 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    get 'a head without an end' 3 repeat "HTTP/1.1 200 A:\r\nHTTP/1.1 200 A: b\r\n"
    get 'header fields without an end' 3 end "${head200}$(printf '%05000d' 0 | sed 's/0/A: b\\r\\n/g')"
    get 'interim answers without an end' 3 repeat 'HTTP/1.1 100 Continue\r\n\r\n'
    get 'a trailer without an end' 3 end "${chunked}0\r\n$(printf '%05000d' 0 | sed 's/0/A: b\\r\\n/g')"
    get 'a chunk extension without an end' 3 end "${chunked}5;$zeros"
    limit='-t 1'
    get 'a body without an end or a pause: in time' 5 repeat "${head200}\r\nhello"
    get 'a byte now and then: in time' 5 hold "${head200}Content-Length: 9999\r\n\r\nhello, hello, hello, hello" 1 60
    limit=''
    if [ -w /dev/full ]; then
        : >"$work/serve"
        printf 'HTTP/1.1 200 OK\r\n\r\nhello' | peers serve end >"$work/serve" &
        until_said "$work/serve" .
        program http_get "http://127.0.0.1:$(first "$work/serve")/" >/dev/full 2>"$work/err"
        is 'http_get: a full disk: exit 7' '7 1' "$? $(lines "$work/err")"
        wait $!
    fi
}

# ---------------------------------------------------------------- chat
# room NAME: a chat of its own; its clients, a, b and so on in the order of coming, do what standard input says
room() {
    start chat
    sed "s/PID/$server/" >"$work/script"
    is "chat: $1" '' "$(peers "$port" room <"$work/script")"
}
# logged NAME WORDS...: the chat has said this, once
logged() {
    name=$1
    shift
    until_said "$work/said" "^chat: $*"
    is "chat: $name" 1 "$(tr -d '\r' <"$work/said" | grep -c "^chat: $*")"
}
over() {
    end INT
    it_ended "chat: $1: Ctrl-C: exit 0"
}
test_chat() {
    refuses chat 0
    start chat
    ran chat "$port"
    is 'chat: a port in use: exit 1 and one line' "1 0 1" \
        "$? $(lines "$work/out") $(grep -c "cannot listen on 127.0.0.1:$port: " "$work/err")"
    over 'nobody there'

    room 'what one says all others hear' <<'END'
open a
open b
open c
until x 3 has come
say a hello
hear b 1: hello
hear c 1: hello
say c hi
hear a 3: hi
hear b 3: hi
put b in two
nap 50
say b  pieces
hear a 2: in two pieces
hear c 2: in two pieces
put a no newline
half a
hear b 1: no newline
hear c 1: no newline
ended a
say b still here
hear c 2: still here
close b
until x 2 left
say c alone
half c
ended c
END
    logged 'who ends its half leaves' '1 left$'
    logged 'who closes leaves' '2 left$'
    logged 'the last one leaves' '3 left$'
    over 'all have left'

    start chat
    { printf 'open a\nopen b\nuntil x 2 has come\nput a %0511d\nput a \nsay a\nhear b 1: %0511d\n' 0 0
      printf 'put a \033[2J\001\nsay a x\r\nhear b 1: ?[2J?x\n'
      printf 'put b %0512d\ngone b\nsay a %s\nhalf a\nended a\n' 0 alone; } >"$work/script"
    is 'chat: the longest line, control characters, a line too long' '' "$(peers "$port" room <"$work/script")"
    logged 'a line too long ends its peer' '2 says too long a line$'
    over 'a line too long'

    room 'a reset is told apart' <<'END'
open a
open b
open c
until x 3 has come
say a hello
hear b 1: hello
reset b
until x 2 is lost
say c others
hear a 3: others
hear c 1: hello
END
    logged 'who resets is lost' '2 is lost: connection reset$'
    over 'after a reset'

    room 'a slow reader is dropped, the others are unharmed' <<'END'
open a
open b
until x 2 has come
slow c
until x 3 has come
flood a b 3000
say b hello
hear a 2: hello
half b
ended b
END
    logged 'it reads too slowly' '3 reads too slowly$'
    is 'chat: that is not being lost' 0 "$(grep -c 'is lost' "$work/said")"
    over 'after a slow reader'

    room 'a reader that stopped is dropped, too' <<'END'
open a
open b
until x 2 has come
slow c
until x 3 has come
stuff a b 300
until x 3 reads too slowly
say b hello
hear a 2: hello
END
    over 'after a reader that stopped'

    room 'more lines at once than a buffer holds' <<'END'
open a
open b
until x 2 has come
stuff a b 100
half a
ended a
END
    over 'after many lines'

    room 'at Ctrl-C each is told, and ended cleanly' <<'END'
open a
open b
until x 2 has come
say a hello
hear b 1: hello
kill PID
hear a * goodbye
hear b * goodbye
ended a
ended b
close a
close b
END
    wait "$server"
    status=$? server=''
    it_ended 'chat: Ctrl-C with those who end in time: exit 0'
    is 'chat: nobody had to be closed' 0 "$(grep -c 'did not end' "$work/said")"

    room 'who does not end is waited for, one second' <<'END'
open a
open b
until x 2 has come
kill PID
hear a * goodbye
say a a word too many
ended a
gone b
nap 300
close a
nap 1500
END
    wait "$server"
    status=$? server=''
    it_ended 'chat: Ctrl-C with one who does not end: exit 0'
    logged 'it was closed in the end' '2 did not end in time$'
    logged 'the other left' '1 left$'

    room 'Ctrl-C twice ends at once' <<'END'
open a
until x 1 has come
kill PID
hear a * goodbye
ended a
kill PID
nap 300
END
    wait "$server"
    status=$? server=''
    it_ended 'chat: Ctrl-C twice: exit 0'
    logged 'there was no time' '1 had no time to end$'
}

# 200 at the door: 64 come in, the others wait; with too few descriptors fewer do
test_chat_crowd() {
    soft=$(ulimit -n)
    [ "$1" = '' ] || ulimit -S -n "$1"
    start chat
    ulimit -S -n "$soft"
    peers "$port" hold 200 1000 >"$work/hold" &
    held=$!
    sleep 0.4
    before=$(ticks)
    sleep 0.4
    [ -z "$before" ] || is 'chat: a full room sleeps' 1 "$(($(ticks) - before < 10))"
    wait $held
    sleep 0.3
    is 'chat: a full room: the next come in afterwards' '' "$(printf 'open a\nopen b\nnap 100\nsay a x\nclose a\n' | peers "$port" room)"
    until_said "$work/said" '^chat: 200 has come'
    is 'chat: a full room: they were all let in' 1 "$(($(grep -c 'has come' "$work/said") >= 200))"
    end INT
    it_ended 'chat: a full room: exit 0'
}

test_all() {
    test_fan
    test_echod
    test_http_get
    test_chat
    test_chat_crowd ''
    if [ -n "$RUN" ]; then skip 'echod, chat: no descriptors left' 'it is the server of Wine that has them'
    else
        test_echod_scarce
        test_chat_crowd 40
    fi
}
test_all

if [ -z "$SANITIZE" ]; then
    skip 'with the sanitizers' 'not asked for'
elif # shellcheck disable=SC2086  # options, each a word
    ! echo 'int main(void) { return 0; }' | $CC $SANITIZE -x c -o "$work/sane" - 2>"$work/err" || ! "$work/sane"; then
    skip 'with the sanitizers' 'this compiler has none here'
else
    under='with the sanitizers: '
    mkdir "$work/bin"
    for name in fan echod http_get chat; do
        # shellcheck disable=SC2086  # options and files, each a word
        $CC -std=c11 -g -O1 $SANITIZE -I"$GENERATED/examples" "$PROGRAMS/$name.c" $LIBRARY \
            "$GENERATED"/examples/common/*.c -pthread -o "$work/bin/$name" 2>"$work/err" ||
            not_ok "$name compiles" "$(first "$work/err")"
    done
    cp "$BIN/delayd" "$work/bin/delayd"
    BIN=$work/bin
    test_all
fi

# built NAME...: the programs, for Windows
built() {
    mkdir "$work/windows"
    for name; do
        # shellcheck disable=SC2086  # options and files, each a word
        $cc $cflags -I"$GENERATED/examples" "$PROGRAMS/$name.c" $LIBRARY "$GENERATED"/examples/common/*.c $libs \
            -o "$work/windows/$name$exe" 2>"$work/err" || return 1
    done
}
under='Windows, under Wine: '
case ${WINDOWS-yes}:$systems in
:* | *:here) skip 'the programs' 'not asked for, or not here' ;;
*)
    system windows
    if ! installed; then skip 'the programs' "missing $need"
    elif [ ! -x "$run" ]; then skip 'the programs' 'missing wine64'
    elif ! built delayd fan echod http_get chat; then not_ok "$name compiles" "$(first "$work/err")"
    else
        BIN=$work/windows RUN=$run EXE=$exe
        LC_ALL=C.UTF-8          # with C, Wine makes '?' of what is not ASCII in an argument
        trap 'stop; wine_stop; rm -rf "$work"' EXIT
        wine_start
        test_all
    fi ;;
esac
exit $failed
