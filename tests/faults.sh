#!/bin/sh
# takes: 75
# The fault seam on Unix: each kernel call of the library fails, one in each run, with each error that its manual has,
# once, a few times in a row, or from then on for ever: in a workload, in every test of tests/conformance, and in the
# examples. See tests/faults/runs.c. The library's code does not change for it: its objects get other names for the calls.
#
#   tests/faults.sh            every single failure of the workload, and of the rest a sample, chosen by SEED (1)
#   tests/faults.sh breaks     only how it fails
#   tests/faults.sh all        everything, for hours (SAMPLE=N: of each so many); book/reports/faults.md is its report
#
# MINIMIO_SRC: another library than the one in generated/      JOBS: how many runs at once
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
library=${MINIMIO_SRC:-generated/src} faults=tests/faults model=tests/kqueue suite=tests/conformance
includes="-Igenerated/include -I$model -Igenerated/examples"
export SEED="${SEED:-1}" JOBS="${JOBS:-$(($(nproc) * 4))}" SUITE_SCALE=10
for tool in objcopy nm; do
    command -v $tool >/dev/null || { echo "skip - faults: missing $tool"; exit 0; }
done
first() { head -n 3 "$1" | tr '\n' ' '; }

# The calls: what calls.c has a fault_ for; an example's own; and what the witness watches
sed -n 's/^[a-z].*[ *]\(fault_\([a-z_0-9]*\)\)(.*[^;]$/\2 \1/p' $faults/calls.c >"$work/names"
sed -n 's/^int witness_\([a-z_]*\)(.*;$/mio_\1 witness_\1/p' $faults/witness.c >"$work/witnessed"
{
    cat "$work/witnessed"
    echo 'process_exit witness_exit'
    echo 'main suite_main'
} >"$work/tests"
{
    cat "$work/witnessed"
    echo 'calloc own_calloc'
    echo 'malloc own_malloc'
    echo 'main example_main'
} >"$work/examples"

# No kernel calls, or nothing of the kernel's that fails: their sources were read. A lock and a signal mask are one's own
harmless='__errno_location _GLOBAL_OFFSET_TABLE_ mem.* str.* snprintf inet_.* clock_gettime getpid pthread_self
pthread_sigmask pthread_mutex_.*lock pthread_cond_.* sig.*'
# What gives back
gives_back='free freeaddrinfo pthread_join pthread_mutex_destroy pthread_cond_destroy'

# compiled DIRECTORY NAMES FILE... [-- FLAG...]: with $cc; what is called in NAMES gets the other name
compiled() {
    directory=$1 renamed=$2 files=''
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        files="$files $1"
        shift
    done
    [ $# -eq 0 ] || shift
    mkdir -p "$directory"
    for file in $files; do
        object=$directory/$(basename "$file" .c).o
        # shellcheck disable=SC2086
        $cc $cflags -g $includes "$@" -c -o "$object" "$file" 2>"$directory/err" || return 1
        [ "$renamed" = none ] || objcopy --redefine-syms="$renamed" "$object" 2>"$directory/err" || return 1
    done
}
parts() { for part in epoll kqueue readiness queue socket_posix posts time operation address pool resolve; do echo "$library/$part.c"; done; }
tests_of_suite() { for part in "$suite"/*.c; do case $part in *suite_windows.c | *suite_posix.c) ;; *) echo "$part" ;; esac; done; }

# all_compiled DIRECTORY FLAG...: the library for both kernels, the programs and the tests, on all processors
all_compiled() {
    all=$1
    shift
    # shellcheck disable=SC2046
    {
        compiled "$all/epoll" "$work/names" $(parts) -- "$@" & epoll=$!
        compiled "$all/kqueue" "$work/names" $(parts) -- -DMIO_KQUEUE "$@" & kqueue=$!
        compiled "$all/runs" none $faults/calls.c $faults/runs.c $faults/witness.c $model/kqueue.c -- "$@" &&
            compiled "$all/workload" "$work/witnessed" $faults/workload.c $faults/steps.c -- "$@" &&
            compiled "$all/conformance" "$work/tests" $(tests_of_suite) -- "$@" &&
            objcopy --globalize-symbol=let_go "$all/conformance/pool.o" &&
            compiled "$all/conformance" none $suite/suite_posix.c $faults/programs/conformance.c -- "$@"
    }
    status=$?
    wait $epoll && wait $kqueue && [ $status -eq 0 ]
}
# linked PROGRAM SUBJECTS OBJECTS-OF-THE-LIBRARY: of what is in $from
linked() {
    # shellcheck disable=SC2086
    $cc $sanitizers -o "$1" "$from/runs"/*.o "$2"/*.o "$3"/*.o $libs 2>"$work/err"
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
        case " $gives_back ${3-} " in *" $call "*) continue ;; esac
        grep -q "faults, $1: .*\b$call\b" "$work/out" || echo "$call"
    done)
    if [ -n "$other" ]; then echo "not ok - faults, $1: calls that nobody can make fail: $other" | tr '\n' ' '; echo
    elif [ -n "$quiet" ]; then echo "not ok - faults, $1: calls that the workload does not make: $quiet" | tr '\n' ' '; echo
    else echo "ok - faults, $1: each of the $(grep -c '^fault_' "$work/undefined") calls that the library makes is here"; fi
}

# reported SECONDS: what the runs came to, for the book
reported() {
    mkdir -p book/reports
    {
        echo '| what | calls made to fail, of | went on | said so, and ended | waited in vain or took long, and was ended | findings |'
        echo '|:----------|---:|---:|---:|---:|---:|'
        sed -n 's/^\(not \)*ok - faults, \(.*\): \([0-9]*\) failures in [0-9]* subjects (\([0-9]*\) of \([0-9]*\) runs.*): \([0-9]*\) went on well, \([0-9]*\) said so, \([0-9]*\) waited in vain or took long, \([0-9]*\) kept.*/\2|\3|\5|\6|\7|\8|\9/p' "$work/all" |
            awk -F '|' '{ n = $4 + $5 + $6 + $7; printf "| %s | %d of %d | %d | %d | %d | %d |\n", $1, $2, $3, $4, $5, $6 + $7, $2 - n }'
        echo
        echo "$(date -u +%Y-%m-%d), $(uname -s) $(uname -r | sed 's/[^0-9.].*//') $(uname -m), $($cc --version | head -n 1), address and undefined-behaviour sanitizers: \`${most_is}tests/faults.sh all\`, SEED=$SEED, $(($1 / 60)) minutes. The two kqueues are the model of \`tests/kqueue\`. Of a call that a test makes more than 60 times, about 60 are among the possible ones. A test that runs on 0.6 s after the failure is ended, and its queues with it. What was not run shows nothing, and the model is neither macOS nor a BSD."
    } >book/reports/faults.md
}

# ran NAME PROGRAM [CALL]: its lines are in $work/out
ran() {
    timeout -k 10 "$limit" "$2" "$1" "$work" ${3:+"$3"} >"$work/out" 2>"$work/err" </dev/null
    status=$?
    tee -a "$work/all" <"$work/out"
    [ $status -le 1 ] || echo "not ok - faults, $1: ended with status $status: $(first "$work/err")"
}

# ---------------------------------------------------------------- with each failure
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all' full='' limit=600 most=${SAMPLE:-0}
unset SAMPLE
began=$(date +%s) most_is=''
[ "$most" = 0 ] || most_is="SAMPLE=$most "
[ "${1-}" != all ] || full=yes limit=43200
system clang
installed || system gcc
if ! installed; then echo "skip - faults: missing ${need##*/}"; exit 0; fi
export ASAN_OPTIONS=detect_leaks=0      # the programs count what is not freed
from=$work/with
# The examples of the library: in the sample, one kernel
examples='fan echod http_get chat worker echo_cores echo_small posix/cat_file'
example_builds() {
    compiled "$from/common" none generated/examples/common/sys_posix.c -- "$@" || return 1
    for example in $examples; do
        name=${example##*/}
        compiled "$from/example-$name" "$work/examples" "generated/examples/$example.c" -- "$@" &&
            compiled "$from/example-$name" none $faults/programs/example.c -- "-DEXAMPLE=\"$name\"" "$@" &&
            cp "$from/common/sys_posix.o" "$from/example-$name" &&
            linked "$work/$name-epoll" "$from/example-$name" "$from/epoll" &&
            linked "$work/$name-kqueue" "$from/example-$name" "$from/kqueue" || return 1
    done
}
# examples_fail BACKEND SAMPLE
examples_fail() {
    for example in $examples; do
        name=${example##*/}
        if [ -n "$full" ]; then SAMPLE=$most ran "$1, example $name" "$work/$name-$1"
        else SAMPLE=$2 ran "$1, example $name" "$work/$name-$1"
        fi
    done
}

# failures KERNEL BACKEND SAMPLE [CALL]: of the workload, all that happen once, and so many of those that last; of the suite a sample
failures() {
    if [ -n "$full" ]; then EACH=yes SAMPLE=$most ran "$1" "$work/workload-$2"
    else EACH=yes LASTS=no ran "$1" "$work/workload-$2"
    fi
    every "$1" "$from/$2" "${4-}"
    if [ -z "$full" ]; then LASTS=only SAMPLE=300 ran "$1, lasting" "$work/workload-$2"; fi
    if [ -n "$full" ]; then SAMPLE=$most ran "$1, the suite" "$work/conformance-$2"
    elif [ "$3" -gt 0 ]; then SAMPLE=$3 ran "$1, the suite" "$work/conformance-$2"
    fi
}
with_each_failure() {
    # shellcheck disable=SC2086
    if ! all_compiled "$from" $sanitizers; then
        echo "not ok - faults builds: $(cat "$from"/*/err | head -n 3 | tr '\n' ' ')"
        exit 1
    fi
    for backend in epoll kqueue; do
        for program in workload conformance; do
            linked "$work/$program-$backend" "$from/$program" "$from/$backend" ||
                { echo "not ok - faults builds: $(first "$work/err")"; exit 1; }
        done
    done
    failures epoll epoll 500
    # What was mended, in each run
    LASTS=only ran 'epoll, an accept that fails on and on' "$work/workload-epoll" accept4
    # shellcheck disable=SC2086
    if example_builds $sanitizers; then
        examples_fail epoll 40
        for name in echod chat; do LASTS=no ran "epoll, example $name, what it hears" "$work/$name-epoll" recv; done
    else echo "not ok - faults, the examples build: $(cat "$from"/example-*/err "$work/err" 2>/dev/null | head -n 3 | tr '\n' ' ')"; fi
    export MODEL_KQUEUE=freebsd             # it has EVFILT_USER, and needs no pipe
    failures 'model kqueue (freebsd)' kqueue 250 pipe
    MODEL_KQUEUE=netbsd
    failures 'model kqueue (netbsd)' kqueue 0
    if [ -n "$full" ]; then
        MODEL_KQUEUE=freebsd
        examples_fail kqueue 0
        reported $(($(date +%s) - began))
    fi
}
[ "${1-}" = breaks ] || with_each_failure
[ -z "$full" ] || exit 0

# ---------------------------------------------------------------- seen to fail
system gcc
if ! installed; then echo "skip - faults, seen to fail: missing $need"; exit 0; fi
cflags='-std=c11 -O1 -w' sanitizers='' from=$work/plain
if ! all_compiled "$from"; then
    echo "not ok - faults, seen to fail: $(cat "$from"/*/err | head -n 3 | tr '\n' ' ')"
    exit 1
fi

# broken LINE DIRECTORY: one way to break the library; says whether it was noticed
broken() {
    line=$1 here=$2
    backend=${line%% | *} rest=${line#* | }
    call=${rest%% | *} rest=${rest#* | }
    file=${rest%% | *} rest=${rest#* | }
    what=${rest##* | } edit=${rest% | *}
    program=workload ONLY=workload
    case $backend in */*) program=conformance ONLY=${backend#*/} backend=${backend%%/*} ;; esac
    of=$backend define='' MODEL_KQUEUE=freebsd
    case $backend in kqueue | netbsd) of=kqueue define=-DMIO_KQUEUE ;; esac
    [ "$backend" != netbsd ] || MODEL_KQUEUE=netbsd
    export ONLY MODEL_KQUEUE
    cp -R "$from/$of" "$here/objects"
    sed "$edit" "$library/$file" >"$here/$file"
    if cmp -s "$library/$file" "$here/$file"; then
        echo "not ok - faults, seen to fail: '$edit' changes nothing"
        return
    fi
    # shellcheck disable=SC2086
    if ! compiled "$here/objects" "$work/names" "$here/$file" -- -I"$library" $define ||
        ! linked "$here/program" "$from/$program" "$here/objects"; then
        echo "not ok - faults, seen to fail: with '$edit': $(cat "$here/objects/err" "$work/err" | head -n 3 | tr '\n' ' ')"
        return
    fi
    timeout -k 10 60 "$here/program" broken "$work" "$call" >"$here/out" 2>/dev/null </dev/null
    if said=$(grep -m 1 '^not ok' "$here/out"); then echo "# $what: ${said#*broken: }"
    else echo "not ok - faults, seen to fail ($backend): nothing fails although $what"; fi
}
total=0 begun=''
JOBS=4
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    total=$((total + 1))
    mkdir "$work/break-$total"
    broken "$line" "$work/break-$total" >"$work/break-$total/said" &
    begun="$begun $!"
    if [ $((total % 4)) -eq 0 ]; then wait; fi
done <$faults/breaks
wait
number=0
while [ $number -lt $total ]; do
    number=$((number + 1))
    cat "$work/break-$number/said"
done >"$work/said"
cat "$work/said"
grep -q '^not ok' "$work/said" || echo "ok - faults: $total ways to break the library, each noticed"
