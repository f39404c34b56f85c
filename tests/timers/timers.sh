#!/bin/sh
# What timers cost in three structures: comparisons, instructions (callgrind), nanoseconds
#
#   tests/timers/timers.sh [ROUNDS] > tests/timers/results.txt
#
# Not a test: the numbers of chapter 12 come from results.txt. Ratios are the structure's time over the
# pairing heap's; below 10 % they say nothing.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d "${TMPDIR:-/tmp}/timers.XXXXXX")
trap 'rm -rf "$work"' EXIT
SRC=${SRC:-generated/src} INCLUDE=${INCLUDE:-generated/include}
build() { # NAME OPTION...
    name=$1
    shift
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -g "$@" -I"$INCLUDE" -I"$SRC" \
        -Igenerated/examples -o "$work/$name" tests/timers/timers.c "$SRC"/*.c generated/examples/common/*.c -pthread
}
build timers -O2
build counting -O1 -fno-inline          # each comparison is a call
[ "$("$work/timers" check)" = ok ]

# counted STRUCTURE OPERATION SPREAD: comparisons and instructions for one operation
collect() {
    program=$1
    shift
    valgrind --tool=callgrind --toggle-collect=measured --callgrind-out-file="$work/out" \
        "$work/$program" "$@" 2> "$work/log"
}
counted() {
    collect counting "$@"
    awk '/^c?fn=/ { id = $1; sub(/^c?fn=/, "", id); if ($2 == "before") before[id] }
         /^cfn=/ { this = id } /^calls=/ && this in before { calls += substr($1, 7) }
         END { printf "%.1f ", calls / 100000 }' "$work/out"
    collect timers "$@"
    awk '/Collected/ { printf "%.0f", $NF / 100000 }' "$work/log"
}

echo "# $(uname -s) $(uname -r | sed 's/^\([0-9]*\.[0-9]*\).*/\1/'), $(uname -m)," \
    "$(getconf _NPROCESSORS_ONLN) cores, $(${CC:-cc} --version | sed -n 1p)"
echo "# 100000 timers: comparisons of deadlines, and instructions, for one operation"
printf '%-22s %14s %14s %14s\n' '' pairing heap4 wheel
for spread in random rising; do
    for operation in insert cancel+insert reset cancel expire; do
        printf '%-7s %-14s' "$spread" "$operation"
        for structure in pairing heap4 wheel; do
            # shellcheck disable=SC2046,SC2183  # two words
            printf ' %8s %5s' $(counted $structure $operation $spread)
        done
        echo
    done
done
for count in 1000 100000; do
    echo "# $count timers: nanoseconds for one operation, medians of ${1:-51} rounds, and of their ratios to pairing"
    printf '%-22s %6s %6s %6s   %5s %5s\n' '' pairing heap4 wheel heap4 wheel
    "$work/timers" "${1:-51}" $count
done
