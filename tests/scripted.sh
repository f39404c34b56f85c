#!/bin/sh
# takes: 25
# The library on a kernel that is a script, and on a clock that is the test's: see tests/scripted/kernel.h.
# The library's code does not change for it: its objects get other names for the kernel's calls, as in tests/faults.sh.
#   sh tests/scripted.sh         the tests; and is book/reports/scripted.md what they say?
#   sh tests/scripted.sh keep    writes it
#   sh tests/scripted.sh seeds N  only the random runs, with four times N other seeds
# MINIMIO_SRC: another library than the one in generated/
set -u
cd "$(dirname "$0")/.." || exit 1
case $(uname -s) in
Linux) ;;
*)  echo 'skip - scripted: only on Linux'; exit 0 ;;
esac
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/scripted.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src} scripts=tests/scripted report=book/reports/scripted.md
includes='-Igenerated/include -Itests/kqueue'
for tool in objcopy nm; do
    command -v $tool >/dev/null || { echo "skip - scripted: missing $tool"; exit 0; }
done
first() { head -n 3 "$1" | tr '\n' ' '; }

# The calls: what begins with kernel_ there
sed -n 's/^[a-z].*[ *]\(kernel_\([a-z_0-9]*\)\)(.*[^;]$/\2 \1/p' $scripts/kernel.c $scripts/on_*.c >"$work/names"

# No calls of the kernel, or of pipes that are written to, of which no script is
harmless='__errno_location _GLOBAL_OFFSET_TABLE_ mem.* str.* snprintf inet_.* getpid pthread_self pthread_sigmask sig.* listen'

objects() {         # objects DIRECTORY BACKEND FLAG...: the library, with $cc; the pool, which makes no such calls, is not in it
    directory=$1 backend=$2 define=''
    shift 2
    [ "$backend" != kqueue ] || define=-DMIO_KQUEUE
    mkdir -p "$directory"
    for file in $backend readiness queue socket_posix posts time operation address; do
        # shellcheck disable=SC2086
        $cc $cflags -g $includes $define "$@" -c -o "$directory/$file.o" "$library/$file.c" 2>"$work/err" &&
            objcopy --redefine-syms="$work/names" "$directory/$file.o" 2>"$work/err" || return 1
    done
}
player() {          # player DIRECTORY BACKEND FLAG...: the kernel and the scripts
    directory=$1 backend=$2
    shift 2
    mkdir -p "$directory"
    for file in kernel scripted scripts clock weak "on_$backend"; do
        # shellcheck disable=SC2086
        $cc $cflags -g $includes "$@" -c -o "$directory/$file.o" "$scripts/$file.c" 2>"$work/err" || return 1
    done
}
linked() {          # linked PROGRAM PLAYER OBJECTS FLAG...
    program=$1 player=$2 objects=$3
    shift 3
    $cc "$@" -o "$program" "$player"/*.o "$objects"/*.o 2>"$work/err"
}

# Does every call of the objects come to the scripts?
every() {
    other=$(nm -u "$work/$1"/*.o | awk 'NF == 2 && $1 == "U" { print $2 }' | grep -v '^mio_\|^__[a-z]*san_\|^kernel_' | sort -u |
        while read -r call; do
            for pattern in $harmless; do
                if expr "$call" : "$pattern\$" >/dev/null; then continue 2; fi
            done
            echo "$call"
        done)
    if [ -n "$other" ]; then echo "not ok - scripted $1: calls that come to a real kernel: $other" | tr '\n' ' '; echo
    else echo "ok - scripted $1: every call comes to the script"; fi
}

# ---------------------------------------------------------------- each script
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all'
system clang
installed || system gcc
if ! installed; then echo "skip - scripted: missing ${need##*/}"; exit 0; fi
export ASAN_OPTIONS=detect_leaks=0      # the program counts what is not freed
: >"$work/rows"
for backend in epoll kqueue; do
    # shellcheck disable=SC2086
    if ! objects "$work/$backend" $backend $sanitizers || ! player "$work/player-$backend" $backend $sanitizers ||
        ! linked "$work/$backend.exe" "$work/player-$backend" "$work/$backend" $sanitizers; then
        echo "not ok - scripted $backend builds: $(first "$work/err")"
        exit 1
    fi
    every "$backend"
    if [ "${1-}" = seeds ]; then
        "$work/$backend.exe" seeds "$2"
        continue
    fi
    timeout -k 10 300 "$work/$backend.exe" table >"$work/out" 2>"$work/err" </dev/null
    status=$?
    grep '^not ok' "$work/out"
    [ $status -le 1 ] || echo "not ok - scripted $backend: ended with status $status: $(first "$work/err")"
    grep '^[a-z]*|' "$work/out" >>"$work/rows"
    [ $status -ne 0 ] || awk -F '|' '/^[a-z]*\|/ {
        print "ok - scripted " $1 ", " $2 ": " $3 " scripts, " $4 + 0 " calls, " $5 + 0 " events" }' "$work/out"
done

[ "${1-}" != seeds ] || exit 0

# ---------------------------------------------------------------- seen to fail
system gcc
if ! installed; then echo "skip - scripted, seen to fail: missing $need"; exit 0; fi
cflags='-std=c11 -O1 -w' total=0 bad=0
for backend in epoll kqueue; do
    if ! objects "$work/plain-$backend" "$backend" || ! player "$work/plain-player-$backend" "$backend"; then
        echo "not ok - scripted, seen to fail: $(first "$work/err")"
        exit 1
    fi
done
broken() {          # broken BACKEND FILE EDIT: $work/said is what fails first; status 1: nothing does, 2: no program
    define=''
    [ "$1" != kqueue ] || define=-DMIO_KQUEUE
    rm -rf "$work/broken"
    cp -R "$work/plain-$1" "$work/broken"
    sed "$3" "$library/$2" >"$work/broken.c"
    if cmp -s "$library/$2" "$work/broken.c"; then
        echo 'it changes nothing' >"$work/err"
        return 2
    fi
    object=$work/broken/${2%.c}.o
    # shellcheck disable=SC2086
    $cc $cflags $includes -I"$library" $define -c -o "$object" "$work/broken.c" 2>"$work/err" &&
        objcopy --redefine-syms="$work/names" "$object" 2>"$work/err" &&
        linked "$work/broken.exe" "$work/plain-player-$1" "$work/broken" || return 2
    timeout -k 10 120 "$work/broken.exe" first >"$work/out" 2>/dev/null </dev/null
    sed -n 's/^not ok - scripted [a-z]*, //p' "$work/out" >"$work/said"
    [ -s "$work/said" ]
}
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    backend=${line%% | *} rest=${line#* | }
    file=${rest%% | *} rest=${rest#* | }
    what=${rest##* | } edit=${rest% | *}
    total=$((total + 1))
    broken "$backend" "$file" "$edit"
    case $? in
    0)  echo "# $what: $(first "$work/said")" ;;
    1)  echo "not ok - scripted, seen to fail ($backend): no script fails although $what"; bad=1 ;;
    *)  echo "not ok - scripted, seen to fail ($backend): '$edit': $(first "$work/err")"; bad=1 ;;
    esac
done <$scripts/breaks
[ $bad -ne 0 ] || echo "ok - scripted: $total ways to break the library, each noticed"

# ---------------------------------------------------------------- the report
shows() {
    case $1 in
    batches) echo 'events too late, twice, merged, in another order, with all bits or none: each operation comes back once, with its bytes in order, and nothing that is closed is looked at' ;;
    hints) echo 'readiness that is not there, short and full reads, counts that are wrong, a byte at a time: no lost wait, no needless attempt' ;;
    connections) echo 'an event is no connection; peers that gave up; refusals told once' ;;
    watching) echo 'changes that fail, in both ways of telling; filters that are gone; forgotten before it is closed' ;;
    waiting) echo 'signals, early ends, noise, calls that disappear: the timeout stays what it was' ;;
    bell) echo 'rings that are spurious, many, or lost: one ring for each sleep, no call missed' ;;
    clock) echo 'to the nanosecond, from the past to three centuries; time that stands still, and that jumps' ;;
    'random timers') echo "$timers operations with deadlines beside a sorted list, in $days simulated days: none early, none late, each once, in order" ;;
    'random play') echo 'a kernel that promises no more than it must: told once, in any order, twice, of nothing, merged, interrupted, with bytes that come in between: none lost or doubled, and nobody waits for what is there' ;;
    'a month') echo "$timers timers in two times 30 simulated days: exactly as many as have to come, no waiting call too many" ;;
    esac
}
sum() { awk -F '|' -v group="$1" -v column="$2" '$2 == group { n += $column } END { print n + 0 }' "$work/rows"; }
of() { awk -F '|' -v kernel="$1" -v group="$2" '$1 == kernel && $2 == group { print $3 }' "$work/rows"; }
fragment() {
    echo '| what | epoll | kqueue | calls | events | what it shows |'
    echo '|:-------|-----:|-----:|------:|-----:|:------------------|'
    awk -F '|' '$1 == "epoll" { print $2 }' "$work/rows" | while read -r group; do
        timers=$(sum "$group" 7) days=$(sum "$group" 8) calls=$(sum "$group" 4) events=$(sum "$group" 5)
        [ "$calls" != 0 ] || calls="$(sum "$group" 6) waits"
        echo "| $group | $(of epoll "$group") | $(of kqueue "$group") | $calls | $events | $(shows "$group") |"
    done
    cat <<END

Scripts, calls answered as the script says, and events given with them; of $total ways to break the library each is
noticed. By \`sh tests/scripted.sh keep\`, on Linux with AddressSanitizer and UndefinedBehaviorSanitizer; the numbers are
the same on every machine, since kernel and clock are scripts, and CI compares them. 400 other seeds of each random run
(\`sh tests/scripted.sh seeds 100\`) were played once, in November 2026, without a finding. What the scripts say a kernel does
comes from manuals and measurements: they show how the library takes it, not that a kernel does it.
END
}
fragment >"$work/report.md"
if [ "${1-}" = keep ]; then
    mkdir -p "${report%/*}"
    cp "$work/report.md" "$report"
elif cmp -s "$work/report.md" "$report"; then echo "ok - scripted: $report is what the run says"
else echo "not ok - scripted: $report is not what the run says: sh tests/scripted.sh keep"; fi
