#!/bin/sh
# A lab shows one fact. Here each is broken on purpose, as tests/breaks/CHAPTER says, and
# what the book shows of it must then no longer match: a lab whose output stays the same shows nothing.
#
#   LAB | SED-EXPRESSION on its tangled source | what then happens
# takes: 500
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/breaks.XXXXXX")
trap '[ -z "${WINE_KEPT-}" ] || wine_stop; rm -rf "$work"' EXIT

command -v curl >/dev/null || { echo 'skip - labs, broken: missing curl'; exit 0; }
make -s programs >"$work/said" 2>&1 || { echo "not ok - the programs build: $(head -n 1 "$work/said")"; exit 1; }
if grep -q '^# on: windows' book/recorded/*.cmd && [ -x "$wine" ]; then
    wine_start
    export WINE_KEPT=1
fi

source_of() { find generated/labs generated/examples -name "$1.c"; }

# on NAME: the system whose programs this recorded command runs
on() {
    on=$(sed -n '/^#/!q; s/^# on: *//p' "book/recorded/$1.cmd")
    case ${on:-model} in
    model) echo here ;;
    *) echo "$on" ;;
    esac
}

# library_for FILE: the library, for those that use it and bring no queue of their own
library_for() {
    if grep -q '"minimio.h"' "$1" && ! grep -q '^int mio_queue_open(' "$1"; then echo generated/src; fi
}

# broken LAB EXPRESSION: build it, broken, for the system whose commands are in $recorded; $work/first/LAB runs it
broken() {
    file=$(source_of "$1")
    mkdir -p "$work/first" "$work/source"
    sed "$2" "$file" >"$work/source/$1.c" || { why='sed fails'; return 1; }
    ! cmp -s "$file" "$work/source/$1.c" || { why="the expression changes nothing in $file"; return 1; }
    system "$(on "$recorded")"
    with=$(with_model "${file#generated/}")
    # shellcheck disable=SC2046,SC2086
    $cc -std=c11 -O1 -w -Igenerated/examples -Igenerated/include $with -o "$work/source/$1$exe" "$work/source/$1.c" \
        ${with:+$model/kqueue.c} $(find generated/examples/common $(library_for "$file") -name '*.c') $libs \
        >"$work/said" 2>&1 || { why="it does not compile: $(grep -m 1 error "$work/said")"; return 1; }
    case $run in none) why='not run here'; return 1 ;; esac
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$run" "$work/source/$1$exe" >"$work/first/$1"
    chmod +x "$work/first/$1"
}

# notices LAB EXPRESSION WHAT
notices() {
    name="$1, broken: $3"
    [ -n "$(source_of "$1")" ] || { echo "not ok - $name: there is no $1.c in generated/"; return; }
    any=''
    for recorded in book/recorded/*.cmd; do
        grep -q -w -e "$1" "$recorded" || continue
        recorded=$(basename "$recorded" .cmd)
        # beside another system's programs it may run some that only this one has
        (system "$(on "$recorded")" && file=$(source_of "$1") && belongs "${file#generated/}") || continue
        any=1
        rm -rf "$work/first"
        if ! broken "$1" "$2"; then echo "not ok - $name: $why"; return; fi
        for _ in 1 2 3; do          # a busy machine may hide one once: nothing got full, nobody came too early
            FIRST=$work/first LIMIT=30 TRIES=3 tangle/record -n "$recorded" >"$work/said" 2>&1 && continue
            echo "ok - $name"
            return
        done
        if grep -q 'skipped: ' "$work/said"; then
            echo "skip - $name: $(sed -n 's/.*skipped: //p' "$work/said")"
            return
        fi
    done
    if [ -z "$any" ]; then echo "not ok - $name: no recorded output runs it"
    else echo "not ok - $name: the recorded output still matches"
    fi
}

for file in tests/breaks/[0-9]*; do
    [ -e "$file" ] || continue
    while IFS= read -r line; do
        case $line in '' | '#'*) continue ;; esac
        lab=${line%% | *} rest=${line#* | }
        notices "$lab" "${rest% | *}" "${rest##* | }" </dev/null
    done <"$file"
done

# Every lab of a platform, and every one on the library, is in the lists
for file in generated/labs/*/*.c generated/labs/*.c; do
    [ -e "$file" ] || continue
    case $file in
    generated/labs/*/*) ;;
    *) grep -q '"minimio.h"' "$file" || continue ;;
    esac
    lab=$(basename "$file" .c)
    grep -q "^$lab | " tests/breaks/[0-9]* 2>/dev/null ||
        echo "not ok - $file: tests/breaks/ does not say how it breaks"
done

# And the check itself: a change that does not matter is not noticed
said=$(notices hello 's/return 0;/return 0 ;/' 'nothing')
case $said in
*'the recorded output still matches') echo 'ok - a break that breaks nothing is found' ;;
*) echo "not ok - a break that breaks nothing is found: $said" ;;
esac
