#!/bin/sh
# The conformance suite, what minimio.h promises: on every system that can run here, on the model kqueue, under
# sanitizers and valgrind. The first build has a line for each behaviour; the others one for each that did not
# pass, and one that counts. MINIMIO_INCLUDE and MINIMIO_SRC: another library than the one in generated/
#
#   tests/conformance.sh [columns]      only what the table of behaviours has a column for, see tests/behaviours
# takes: 300
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
suite=tests/conformance include=${MINIMIO_INCLUDE:-generated/include} library=${MINIMIO_SRC:-generated/src}
kqueue=tests/kqueue
work=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
finish() {
    [ -z "${windows-}" ] || wine_stop
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
counted='-Dmalloc=counted_malloc -Dcalloc=counted_calloc -Drealloc=counted_realloc -Daligned_alloc=counted_aligned_alloc'
each=yes omit='' column='' few=${1-}

# What became of each behaviour, for the table that the book shows: it is of this library
results=''
if [ -z "${MINIMIO_SRC-}" ]; then
    results=build/behaviours
    rm -rf "$results"
    mkdir -p "$results"
fi

ls "$library"/*.c >/dev/null 2>&1 || { echo "skip - conformance: there is no library in $library yet"; exit 0; }

there() {       # can the system build, and with RUN run?
    if ! installed; then echo "skip - conformance, $title: missing ${need##*/}"; return 1; fi
    case $run in '' | none) return 0 ;; esac
    command -v "$run" >/dev/null || { echo "skip - conformance, $title: missing ${run##*/}"; return 1; }
}

# one_step WORDS COMMAND...: of a build
one_step() {
    words=$1
    shift
    if "$@" 2>"$work/err" </dev/null; then return 0; fi
    echo "not ok - conformance builds, $words: $(head -n 3 "$work/err" | tr '\n' ' ')"
    return 1
}

# build WORDS [FLAG or OBJECT...]: $work/suite, with $cc and $libs
build() {
    words=$1
    shift
    # shellcheck disable=SC2086
    one_step "$words" $cc $cflags -g "$@" $counted -I"$include" -I$suite -o "$work/suite$exe" \
        "$library"/*.c $suite/*.c $libs
}

# For Windows: the same, but what is between the library and its kernel, and its caller, is in packets_windows.c
calls='WSARecv WSARecvFrom WSASend WSASendTo WSAIoctl GetProcAddress CreateIoCompletionPort
SetFileCompletionNotificationModes GetQueuedCompletionStatusEx'
build_with_packets() {
    words=$1
    shift
    rm -rf "$work/objects"
    mkdir "$work/objects"
    {
        for call in $calls; do echo "__imp_$call __imp_counted_$call"; done
        for call in mio_queue_wait mio_socket_detach; do echo "$call uncounted_$call"; done
    } >"$work/counted"
    for file in "$library"/*.c; do
        object=$work/objects/$(basename "$file" .c).o
        # shellcheck disable=SC2086
        one_step "$words" $cc $cflags -g "$@" $counted -I"$include" -c -o "$object" "$file" || return 1
        one_step "$words" "$objcopy" --redefine-syms="$work/counted" "$object" || return 1
    done
    # shellcheck disable=SC2086
    one_step "$words" $cc $cflags -g "$@" -DCOUNT_PACKETS $counted -I"$include" -I$suite -o "$work/suite$exe" \
        "$work"/objects/*.o $suite/*.c $libs
}

# Can it be built so? Then in $objcopy is what gives a call another name
has_packets() {
    case $1$exe in
    windows.exe) objcopy=${cc%-gcc}-objcopy ;;
    here.exe)    objcopy=objcopy ;;
    *)           return 1 ;;
    esac
    if command -v "$objcopy" >/dev/null; then return 0; fi
    echo "skip - conformance, $title: packets equal requests: missing $objcopy"
    return 1
}

# kept: a line for each behaviour, in the file of the $column
kept() {
    [ -z "$column" ] || [ -z "$results" ] || {
        [ -z "$omit" ] || echo "$omit" | sed 's/^/skip - /'
        tr -d '\r' <"$work/out" | grep -E '^(ok|not ok|skip) - '
    } >"$results/$column"
    column=''
}

# packets WORDS: what the tests said of them, those under stress also here
packets() {
    awk -v words="$1" '
        NR == FNR {
            if ($2 == "TEST") stress[$3]
            next
        }
        /^# [a-z_A-Z0-9]+: [0-9]+ requests, [0-9]+ packets$/ {
            tests++
            requests += $3
            taken += $5
            if ($2 in stress) print
        }
        END {
            line = "conformance, " words ": packets equal requests in " tests + 0 " tests (" requests + 0 " requests)"
            if (tests > 0 && taken == requests) print "ok - " line
            else print "not ok - " line ": " taken + 0 " packets"
        }' FS='[ (),:]+' $suite/stress.c "$work/out"
}

# behaves WORDS COMMAND...: the suite, as the command runs it, without the tests in $omit (NAME: why)
behaves() {
    words=$1
    shift
    echo "$omit" | sed 's/:.*//' >"$work/omitted"
    names=''
    if [ -n "$omit" ]; then
        names=$("$@" -l 2>/dev/null | grep -v -x -F -f "$work/omitted")
        echo "$omit" | sed "s|^|skip - conformance, $words: |"
    fi
    # shellcheck disable=SC2086
    timeout -k 10 600 "$@" $names >"$work/out" 2>"$work/err" </dev/null
    status=$?
    kept
    passed=$(grep -c '^ok - ' "$work/out") failed=$(grep -c '^not ok - ' "$work/out")
    for kind in ${each:+ok} 'not ok' skip '#'; do
        sed -n -e "s|^$kind - |$kind - conformance, $words: |p" -e "/^$kind  /p" "$work/out" |
            grep -v 'without MIO_CHECKED'        # one build below is with it
    done
    if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
        failed=1
        echo "not ok - conformance, $words: ended with status $status: $(tail -n 1 "$work/out")"
    fi
    if [ "$failed" -gt 0 ]; then grep -v '^--[0-9]' "$work/err" | head -n 40 | sed 's/^/#   /'
    elif [ -z "$each" ]; then echo "ok - conformance, $words: $passed behaviours"
    fi
    each=''
}

# ---------------------------------------------------------------- systems
# What Wine 8.0 does in another way than Windows: each was seen to fail, and its reason in a program of a few calls
reset='Wine 8 takes a reset for the end of the stream, but for who is waiting when it comes'
unconnected='Wine 8 says another error of what is not connected'
listener='Wine 8 lets an accept on what does not listen, and a receive on what does, wait for ever'
wine_differs="a_reset_is_no_clean_end_receive_asks_first: $reset
a_reset_that_comes_while_nobody_waits_is_kept: $reset
a_reset_behind_data_is_no_clean_end: $reset
a_reset_is_readiness_in_both_directions: $reset
peers_that_connect_and_reset_at_once_do_not_stop_an_accept: $reset
a_socket_that_was_never_connected_has_no_stream: $unconnected
a_stream_socket_without_a_peer_is_MIO_ENOTCONN: $unconnected
send_without_a_peer_is_MIO_ENOTCONN: $unconnected
who_does_not_listen_cannot_accept: $listener
accept_on_what_does_not_listen_is_MIO_EINVAL: $listener
a_listener_neither_sends_nor_receives_and_accepts_on: $listener
a_refusal_reaches_the_receive_that_waits_once: Wine 8 tells nothing more of a datagram socket that was refused"
# These know that a send is done when it is submitted, which is so where its packet is left out
at_once='sends_and_receives_are_posted: it waits for the send first
closing_one_of_a_batch_leaves_the_other_its_one_completion: it waits no time for a send'

for name in $systems $more_windows; do
    omit='' column=''
    case $few:$name in columns:gcc | columns:windows | :*) ;; *) continue ;; esac
    case $name in
    clang) continue ;;          # with sanitizers, below
    windows*) [ -e "$library/iocp.c" ] || continue ;;
    esac
    system "$name"
    there || continue
    if has_packets "$name"; then how=build_with_packets; else how=build; fi
    $how "$title" -O2 || continue
    case $name in
    gcc)     column=epoll ;;
    windows) windows=1 omit=$wine_differs column=iocp; wine_start ;;
    esac
    case $run$exe in
    none*) echo "ok - conformance builds, $title" ;;
    '')    behaves "$title" "$work/suite" ;;
    *)     SUITE_SECONDS=60 behaves "$title" ${run:+"$run"} "$work/suite$exe" ;;    # also Windows itself: a refusal takes it up to 2 s
    esac
    if [ $how = build_with_packets ] && [ "$failed" -eq 0 ]; then packets "$title"; fi
    case $how:$few:$name in
    build_with_packets::windows)        # and where no packet can be left out
        title="$title, each success with its packet" omit="$wine_differs
$at_once"
        SUITE_NO_SKIP=1 SUITE_SECONDS=60 behaves "$title" "$run" "$work/suite$exe"
        [ "$failed" -gt 0 ] || packets "$title" ;;
    esac
done
omit='' column=''
case $systems in here) exit 0 ;; esac
# What threads share, as Microsoft's compiler has it, under the tests of posts
system windows
if there && [ -n "$run" ] && build "$title, Interlocked" -O2 -DMIO_INTERLOCKED; then
    posts=$("$run" "$work/suite$exe" -l 2>/dev/null | tr -d '\r' | while read -r name; do
        ! grep -q -w -e "$name" $suite/posts.c || echo "$name"; done)
    # shellcheck disable=SC2086
    SUITE_SECONDS=60 behaves "$title, Interlocked, posts" "$run" "$work/suite$exe" $posts
fi

# ---------------------------------------------------------------- sanitizers
sanitizers='address and undefined-behaviour sanitizers'
asan='-fsanitize=address,undefined -fno-sanitize-recover=all'
system clang
if [ -z "$few" ] && there; then
    # valgrind looks for leaks, below: here it takes ten times the time of the tests
    # shellcheck disable=SC2086
    build "$sanitizers" $asan && behaves "$sanitizers" env ASAN_OPTIONS=detect_leaks=0 "$work/suite"
    build 'thread sanitizer' -fsanitize=thread && behaves 'thread sanitizer' "$work/suite"
fi
system gcc
if there; then
    column=checked
    build 'checked' -O2 -DMIO_CHECKED && behaves 'checked' "$work/suite"
fi

# ---------------------------------------------------------------- the model kqueue
# with_kqueue WORDS FLAG...
with_kqueue() {
    # shellcheck disable=SC2086
    if ! $cc $cflags -g "$@" -I$kqueue -c -o "$work/model.o" $kqueue/kqueue.c 2>"$work/err"; then
        echo "not ok - conformance builds, the model kqueue: $(head -n 3 "$work/err" | tr '\n' ' ')"
        return 1
    fi
    build 'model kqueue' -DMIO_KQUEUE -I$kqueue "$@" "$work/model.o"
}
system gcc
if there && with_kqueue -O2; then
    for variant in freebsd netbsd; do
        column=kqueue-$variant
        MODEL_KQUEUE=$variant behaves "model kqueue ($variant)" "$work/suite"
    done
fi
system clang
# shellcheck disable=SC2086
if [ -z "$few" ] && there && with_kqueue $asan; then
    behaves "model kqueue (freebsd), $sanitizers" env MODEL_KQUEUE=freebsd ASAN_OPTIONS=detect_leaks=0 "$work/suite"
fi

# ---------------------------------------------------------------- valgrind
system gcc
if [ -n "$few" ]; then :
elif ! command -v valgrind >/dev/null; then echo 'skip - conformance, valgrind: missing valgrind'
elif there && build 'valgrind'; then
    omit='an_accept_without_descriptors_says_so_and_works_again: valgrind ends a connection that it has no descriptor for
a_waiting_accept_without_descriptors_says_so_once: valgrind ends a connection that it has no descriptor for'
    SUITE_SECONDS=60 behaves 'valgrind' valgrind -q --leak-check=full --error-exitcode=99 "$work/suite"
fi

# ---------------------------------------------------------------- the table
[ -z "$results" ] || tests/behaviours check
