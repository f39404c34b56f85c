#!/bin/sh
# The fault seam on Unix: each kernel call of the library fails, one in each run, with each error that its manual has.
# See tests/faults/faults.c. The library's code does not change for it: its objects get other names for the calls.
# MINIMIO_SRC: another library than the one in generated/
set -u
cd "$(dirname "$0")/.." || exit 1
case $(uname -s) in
Linux) ;;
*)  echo 'skip - faults: only on Linux'; exit 0 ;;
esac
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/faults.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src} faults=tests/faults model=tests/kqueue
includes="-Igenerated/include -I$model"
for tool in objcopy nm; do
    command -v $tool >/dev/null || { echo "skip - faults: missing $tool"; exit 0; }
done
first() { head -n 3 "$1" | tr '\n' ' '; }

# The calls: what calls.c has a fault_ for
sed -n 's/^[a-z].*[ *]\(fault_\([a-z_0-9]*\)\)(.*[^;]$/\2 \1/p' $faults/calls.c >"$work/names"

# No kernel calls, or nothing of the kernel's that fails: their sources were read. A lock and a signal mask are one's own
harmless='__errno_location _GLOBAL_OFFSET_TABLE_ mem.* str.* snprintf inet_.* clock_gettime getpid pthread_self pthread_sigmask sig.*'

# objects DIRECTORY SOURCE FLAG...: the library, with $cc; the pool, which makes no calls of its own but in threads, is not in it
objects() {
    directory=$1 source=$2
    shift 2
    mkdir -p "$directory"
    for file in epoll kqueue readiness queue socket_posix posts time operation address; do
        # shellcheck disable=SC2086
        $cc $cflags -g $includes "$@" -c -o "$directory/$file.o" "$source/$file.c" 2>"$work/err" &&
            objcopy --redefine-syms="$work/names" "$directory/$file.o" 2>"$work/err" || return 1
    done
}
# tester DIRECTORY FLAG...: the program and the model kqueue, which keep their calls
tester() {
    directory=$1
    shift
    mkdir -p "$directory"
    for file in $faults/faults.c $faults/calls.c $model/kqueue.c; do
        # shellcheck disable=SC2086
        $cc $cflags -g $includes "$@" -c -o "$directory/tester-${file##*/}.o" "$file" 2>"$work/err" || return 1
    done
}
# linked PROGRAM TESTER OBJECTS FLAG...
linked() {
    program=$1 directory=$2 of=$3
    shift 3
    # shellcheck disable=SC2086
    $cc "$@" -o "$program" "$directory"/tester-*.o "$of"/*.o $libs 2>"$work/err"
}

# every NAME OBJECTS [CALL]: does each call of the objects come to us, and was it made to fail, but for this one?
every() {
    nm -u "$2"/*.o | awk 'NF == 2 && $1 == "U" { print $2 }' | grep -v '^mio_\|^__[a-z]*san_' | sort -u >"$work/undefined"
    other=$(grep -v '^fault_' "$work/undefined" | while read -r call; do
        for pattern in $harmless; do
            if expr "$call" : "$pattern\$" >/dev/null; then continue 2; fi
        done
        echo "$call"
    done)
    quiet=$(sed -n 's/^fault_//p' "$work/undefined" | while read -r call; do
        [ "$call" = free ] || [ "$call" = "${3-}" ] || grep -q "faults, $1: .*\b$call\b" "$work/out" || echo "$call"
    done)
    if [ -n "$other" ]; then echo "not ok - faults, $1: calls that nobody can make fail: $other" | tr '\n' ' '; echo
    elif [ -n "$quiet" ]; then echo "not ok - faults, $1: calls that the workload does not make: $quiet" | tr '\n' ' '; echo
    else echo "ok - faults, $1: each of the $(grep -c '^fault_' "$work/undefined") calls that the library makes is here"; fi
}

# ---------------------------------------------------------------- with each failure
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all'
system clang
installed || system gcc
if ! installed; then echo "skip - faults: missing ${need##*/}"; exit 0; fi
export ASAN_OPTIONS=detect_leaks=0      # the program counts what is not freed
# all OF NAME [CALL]: each failure of the objects in $work/OF; this call is not made
all() {
    timeout -k 10 300 "$work/faults-$1" "$2" "$work" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    cat "$work/out"
    if [ $status -gt 1 ]; then echo "not ok - faults, $2: ended with status $status: $(first "$work/err")"
    else every "$2" "$work/$1" "${3-}"; fi
}
# shellcheck disable=SC2086
if ! tester "$work" $sanitizers || ! objects "$work/epoll" "$library" $sanitizers ||
    ! objects "$work/kqueue" "$library" -DMIO_KQUEUE $sanitizers ||
    ! linked "$work/faults-epoll" "$work" "$work/epoll" $sanitizers ||
    ! linked "$work/faults-kqueue" "$work" "$work/kqueue" $sanitizers; then
    echo "not ok - faults builds: $(first "$work/err")"
    exit 1
fi
all epoll epoll
export MODEL_KQUEUE=freebsd             # it has EVFILT_USER, and needs no pipe
all kqueue 'model kqueue (freebsd)' pipe
MODEL_KQUEUE=netbsd
all kqueue 'model kqueue (netbsd)'

# ---------------------------------------------------------------- seen to fail
system gcc
if ! installed; then echo "skip - faults, seen to fail: missing $need"; exit 0; fi
cflags='-std=c11 -O1 -w' total=0 bad=0
if ! tester "$work/plain" || ! objects "$work/plain-epoll" "$library" ||
    ! objects "$work/plain-kqueue" "$library" -DMIO_KQUEUE; then
    echo "not ok - faults, seen to fail: $(first "$work/err")"
    exit 1
fi
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    backend=${line%% | *} rest=${line#* | }
    call=${rest%% | *} rest=${rest#* | }
    file=${rest%% | *} rest=${rest#* | }
    what=${rest##* | } edit=${rest% | *}
    total=$((total + 1))
    of=$backend define='' MODEL_KQUEUE=freebsd
    case $backend in kqueue | netbsd) of=kqueue define=-DMIO_KQUEUE ;; esac
    [ "$backend" != netbsd ] || MODEL_KQUEUE=netbsd
    rm -rf "$work/broken"
    cp -R "$work/plain-$of" "$work/broken"
    sed "$edit" "$library/$file" >"$work/broken.c"
    if cmp -s "$library/$file" "$work/broken.c"; then
        echo "not ok - faults, seen to fail: '$edit' changes nothing"
        bad=1
        continue
    fi
    object=$work/broken/${file%.c}.o
    # shellcheck disable=SC2086
    if ! $cc $cflags $includes -I"$library" $define -c -o "$object" "$work/broken.c" 2>"$work/err" ||
        ! objcopy --redefine-syms="$work/names" "$object" || ! linked "$work/faults-broken" "$work/plain" "$work/broken"; then
        echo "not ok - faults, seen to fail: with '$edit': $(first "$work/err")"
        bad=1
        continue
    fi
    timeout -k 10 60 "$work/faults-broken" broken "$work" "$call" >"$work/out" 2>/dev/null </dev/null
    if said=$(grep '^not ok' "$work/out"); then echo "# $what: ${said#*broken: }"
    else
        echo "not ok - faults, seen to fail ($backend): nothing fails although $what"
        bad=1
    fi
done <$faults/breaks
[ $bad -ne 0 ] || echo "ok - faults: $total ways to break the library, each noticed"
