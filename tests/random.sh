#!/bin/sh
# takes: 70
# The model test: random programs, carried out by the library and by a reference; the corpus that libFuzzer found; and
# ways to break the library, each found by such programs. See tests/random/README.md
#
#   tests/random.sh              SEED: the first seed; MINIMIO_SRC: another library than the one in generated/
#   tests/random.sh soak         for long: what tests/random/soak does
#   tests/random.sh corpus       lets libFuzzer look for programs that run other lines, and keeps the best (MINUTES)
set -u
cd "$(dirname "$0")/.." || exit 1
case $(uname -s) in
Linux) ;;
*)  echo 'skip - random: only on Linux'; exit 0 ;;
esac
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/random.XXXXXX")
windows=''
finish() {
    [ -z "$windows" ] || wine_stop
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src} random=tests/random kqueue=tests/kqueue seed=${SEED:-20260101} programs=8000
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all'
counted='-Dcalloc=counted_calloc -Dfree=counted_free'
export ASAN_OPTIONS=detect_leaks=0      # what the library allocates is counted
first() { head -n 3 "$1" | tr '\n' ' '; }

# compiled OBJECT SOURCE FLAG...
compiled() {
    object=$1 file=$2
    shift 2
    # shellcheck disable=SC2086
    $cc $cflags -g -Igenerated/include -I"$library" -I$random -I$kqueue "$@" -c -o "$object" "$file" 2>"$work/err"
}
# objects DIRECTORY FLAG...: the library, with $cc
objects() {
    directory=$1
    shift
    mkdir -p "$directory"
    for file in "$library"/*.c; do
        # shellcheck disable=SC2086
        compiled "$directory/$(basename "$file" .c).o" "$file" $counted "$@" || return 1
    done
}
# tester DIRECTORY MAIN FLAG...: the test, which MAIN is the top of
tester() {
    directory=$1 top=$2
    shift 2
    mkdir -p "$directory"
    for file in "$top" program reference run os_posix os_windows; do
        compiled "$directory/test-$file.o" "$random/$file.c" "$@" || return 1
    done
    [ -n "$exe" ] || compiled "$directory/model.o" $kqueue/kqueue.c "$@"
}
# linked PROGRAM TESTER OBJECTS FLAG...
linked() {
    program=$1 directory=$2 of=$3
    shift 3
    # shellcheck disable=SC2086
    $cc -o "$program" "$of"/*.o "$directory"/test-*.o "$@" $libs 2>"$work/err"
}
broken() { echo "not ok - random builds, $1: $(first "$work/err")"; }

# build_unix: $work/random-epoll and -kqueue, with sanitizers
build_unix() {
    system clang
    installed || system gcc
    if ! installed; then echo "skip - random: missing ${need##*/}"; return 1; fi
    # shellcheck disable=SC2086
    if ! tester "$work/unix" random $sanitizers || ! objects "$work/epoll" $sanitizers ||
        ! objects "$work/kqueue" -DMIO_KQUEUE $sanitizers ||
        ! linked "$work/random-epoll" "$work/unix" "$work/epoll" $sanitizers ||
        ! linked "$work/random-kqueue" "$work/unix" "$work/kqueue" "$work/unix/model.o" $sanitizers; then
        broken Unix
        return 1
    fi
}
build_windows() {
    system windows
    if ! installed; then echo "skip - random, Windows: missing $need"; return 1; fi
    if [ -z "$run" ] || ! command -v "$run" >/dev/null; then echo 'skip - random, Windows: missing wine'; return 1; fi
    if ! tester "$work/windows" random || ! objects "$work/iocp" || ! linked "$work/random.exe" "$work/windows" "$work/iocp"; then
        broken Windows
        return 1
    fi
    windows=1
    wine_start
}
build_fuzzer() {
    system clang
    if ! installed; then echo "skip - random, libFuzzer: missing $need"; return 1; fi
    runtime=$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a)
    if [ ! -e "$runtime" ]; then echo 'skip - random, libFuzzer: missing libclang-rt'; return 1; fi
    # shellcheck disable=SC2086
    if ! tester "$work/fuzz" fuzz $sanitizers || ! objects "$work/fuzzed" -fsanitize=fuzzer-no-link $sanitizers ||
        ! linked "$work/fuzzer" "$work/fuzz" "$work/fuzzed" -fsanitize=fuzzer $sanitizers; then
        broken libFuzzer
        return 1
    fi
}

# on BACKEND ARGUMENT...: the program of a backend
limit=300
on() {
    backend=$1
    shift
    case $backend in
    iocp)       set -- "$run" "$work/random.exe" "$@" ;;
    epoll)      set -- "$work/random-epoll" "$@" ;;
    *)          set -- env MODEL_KQUEUE="${backend#kqueue-}" "$work/random-kqueue" "$@" ;;
    esac
    timeout -k 10 $limit "$@" </dev/null 2>&1
    status=$?
    [ $status -lt 2 ] || echo "# ended with status $status"
}
backends='epoll kqueue-freebsd kqueue-netbsd'
# Milliseconds for what ought to come: who fails has time, and a busy machine needs it
patience=10000

# ---------------------------------------------------------------- for long: tests/random/soak
# soak_one BACKEND: until the time is up; what it said is in $work/soak-BACKEND
soak_one() {
    from=$seed part=2000 limit=1200
    [ "$1" != iocp ] || part=200
    while [ "$(date +%s)" -lt "$until" ]; do
        on "$1" -p $patience "$from" $part | tr -d '\r' >"$work/part-$1"
        sed "s/^/$1: /" "$work/part-$1"
        cat "$work/part-$1" >>"$work/soak-$1"
        case $(cat "$work/part-$1") in
        *' no finding'*) from=$((from + part)) ;;
        *) from=$(awk -v from="$from" -v part=$part '$2 == "seed" { at = $3 + 0 } END { print at ? at + 1 : from + part }' "$work/part-$1") ;;
        esac
    done
}
soak() {
    minutes=${MINUTES:-30} kept=$PWD/build/random
    mkdir -p "$kept"
    build_unix || return 1
    build_windows && backends="$backends iocp"
    backends=${BACKENDS:-$backends}
    until=$(($(date +%s) + minutes * 60))
    echo "# $minutes minutes on each of: $backends; from seed $seed; programs that find something are kept in build/random/"
    root=$PWD
    cd "$kept" || return 1
    renice -n 19 $$ >/dev/null 2>&1
    for one in $backends; do soak_one "$one" & done
    wait
    cd "$root" || return 1
    for one in $backends; do
        awk -v one="$one" '
            $2 == "seeds" { programs += $6; steps += $8; if (first == "") first = $3; last = $5 + 0 }
            $2 == "seed" { programs += $5; found++ }
            $2 == "ended" { found++ }
            END { printf "%s - soak, %s: seeds %s to %s, %d programs, %d steps, %d findings\n", found ? "not ok" : "ok", one,
                  first, last, programs, steps, found }' "$work/soak-$one"
    done
}

# ---------------------------------------------------------------- libFuzzer: tests/random.sh corpus
corpus() {
    build_fuzzer && build_unix || return 1
    mkdir -p "$work/found" "$work/all" "$work/best"
    cp $random/corpus/* "$work/all" 2>/dev/null
    "$work/random-epoll" -w "$work/all" 1 2000
    (cd "$work/found" && "$work/fuzzer" -max_len=200 -max_total_time=$((${MINUTES:-10} * 60)) "$work/all" >"$work/out" 2>&1) ||
        tail -n 40 "$work/out"
    "$work/fuzzer" -set_cover_merge=1 -max_len=200 "$work/best" "$work/all" >"$work/out" 2>&1
    rm -rf $random/corpus
    cp -R "$work/best" $random/corpus
    find $random/corpus -type f | wc -l
}

case ${1-} in
soak) soak; exit ;;
corpus) corpus; exit ;;
esac

# ---------------------------------------------------------------- each backend
# programs BACKEND COUNT: random ones, and the corpus
programs() {
    on "$1" -p $patience "$seed" "$2" | tr -d '\r' >"$work/out"
    if said=$(grep ' no finding' "$work/out"); then echo "ok - random, $1: ${said#\# }" | sed 's/, [0-9]* programs.s$//'
    else echo "not ok - random, $1: $(first "$work/out")"; sed 's/^/#   /' "$work/out"; fi
    on "$1" -p $patience $random/corpus/* | tr -d '\r' >"$work/out"
    if said=$(grep ' no finding' "$work/out"); then echo "ok - random, $1, the corpus: ${said#\# }"
    else echo "not ok - random, $1, the corpus: $(first "$work/out")"; sed 's/^/#   /' "$work/out"; fi
}
if build_unix; then
    programs epoll $programs
    programs kqueue-freebsd $((programs / 2))
    programs kqueue-netbsd $((programs / 2))
fi
if build_windows; then programs iocp 500; fi

# ---------------------------------------------------------------- libFuzzer, for a moment
if build_fuzzer; then
    mkdir -p "$work/new"
    if timeout -k 10 120 "$work/fuzzer" -seed=1 -runs=3000 -max_len=200 "$work/new" $random/corpus >"$work/out" 2>&1 </dev/null; then
        echo "ok - random, libFuzzer: 3000 runs from the corpus"
    else echo "not ok - random, libFuzzer: $(grep -v '^#[0-9]' "$work/out" | tail -n 40 | tr '\n' ' ')"; fi
fi

# ---------------------------------------------------------------- seen to fail
system gcc
if ! installed; then echo "skip - random, seen to fail: missing $need"; exit 0; fi
cflags='-std=c11 -O1 -w' total=0 bad=0 most=0
if ! tester "$work/plain" random || ! objects "$work/plain-epoll" || ! objects "$work/plain-kqueue" -DMIO_KQUEUE; then
    broken 'to break it'
    exit 1
fi
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    backend=${line%% | *} rest=${line#* | }
    file=${rest%% | *} rest=${rest#* | }
    what=${rest##* | } edit=${rest% | *}
    total=$((total + 1)) define='' also=''
    [ "$backend" != kqueue ] || define=-DMIO_KQUEUE also=$work/plain/model.o
    rm -rf "$work/broken"
    mkdir "$work/broken"
    cp "$library"/*.[ch] "$work/broken"
    sed "$edit" "$library/$file" >"$work/broken/$file"
    if cmp -s "$library/$file" "$work/broken/$file"; then
        echo "not ok - random, seen to fail: '$edit' changes nothing"
        bad=1
        continue
    fi
    sources=$file
    [ "$file" != lines.h ] || sources=readiness.c
    cp "$work/plain-$backend"/*.o "$work/broken"
    # shellcheck disable=SC2086
    if ! compiled "$work/broken/${sources%.c}.o" "$work/broken/$sources" $counted $define ||
        ! linked "$work/random-broken" "$work/plain" "$work/broken" $also; then
        echo "not ok - random, seen to fail: with '$edit': $(first "$work/err")"
        bad=1
        continue
    fi
    timeout -k 10 60 "$work/random-broken" -q -p 300 "$seed" $programs >"$work/out" 2>/dev/null </dev/null
    if said=$(sed -n 's/^# seed [0-9]*, after \([0-9]* programs: .*\)/\1/p' "$work/out") && [ -n "$said" ]; then
        echo "# $what: $said"
        [ "${said%% *}" -le "$most" ] || most=${said%% *}
    else
        echo "not ok - random, seen to fail ($backend): no finding although $what"
        bad=1
    fi
done <$random/breaks
[ $bad -ne 0 ] || echo "ok - random: $total ways to break the library, each found by one of $most programs"
