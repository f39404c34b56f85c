#!/bin/sh
# takes: 70
# A scripted completion port: the IOCP and AFD code of the library on a model of Windows that gives packets, statuses,
# answers and times as a script says. See tests/scripted/scripted_windows.c. It runs under Wine, which only carries it
#
#   tests/scripted_windows.sh [COUNT]       COUNT (20000) random scripts beside those that are written
#   tests/scripted_windows.sh keep          200000, and keeps what came of it in book/reports/scripted-windows.md
#
# MINIMIO_SRC: another library than the one in generated/
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
. ./tests/faults/seam_windows
work=$(mktemp -d "${TMPDIR:-/tmp}/scripted-windows.XXXXXX")
trap '[ -z "${started-}" ] || wine_stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src} scripted=tests/scripted report=book/reports/scripted-windows.md
case ${1-} in keep) count=200000 ;; *) count=${1:-20000} ;; esac
first() { head -n 3 "$1" | tr '\n' ' '; }
case $systems in here) echo 'skip - scripted, Windows: only under Wine'; exit 0 ;; esac
system windows
for need in "$need" "${cc%-gcc}-objcopy" "$run"; do
    installed || { echo "skip - scripted, Windows: missing ${need##*/}"; exit 0; }
done

seam_names scripted $scripted/kernel_windows.c
built() {
    mkdir "$work/library" || return 1
    for file in iocp afd socket_windows queue posts time operation address; do      # all that has no threads
        object "$work/library" "$library/$file.c" || return 1
    done
    tester $scripted/kernel_windows.c $scripted/scripted_windows.c && linked "$work/scripted.exe" "$work/library"
}
if ! built; then
    echo "not ok - scripted, Windows, builds: $(first "$work/err")"
    exit 1
fi
wine_start
started=1
timeout -k 10 600 "$run" "$work/scripted.exe" "$count" </dev/null 2>/dev/null | tr -d '\r' >"$work/out"
cat "$work/out"
grep -q 'ok - scripted, Windows: random' "$work/out" || echo 'not ok - scripted, Windows: it did not come to its end'

# ---------------------------------------------------------------- seen to fail
total=0 bad=0
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    file=${line%% | *} rest=${line#* | }
    what=${rest##* | } edit=${rest% | *}
    total=$((total + 1))
    if ! broken "$file" "$edit"; then
        echo "not ok - scripted, Windows, seen to fail: with '$edit': $(first "$work/err")"
        bad=1
        continue
    fi
    timeout -k 10 60 "$run" "$work/broken.exe" 5000 1 stop </dev/null 2>/dev/null | tr -d '\r' >"$work/broken.out"
    if said=$(grep -m 1 '^not ok' "$work/broken.out"); then echo "# $what: ${said#not ok - scripted, Windows: }"
    else
        echo "not ok - scripted, Windows, seen to fail: nothing fails although $what"
        bad=1
    fi
done <$scripted/breaks_windows
[ $bad -ne 0 ] || echo "ok - scripted, Windows: $total ways to break the library, each noticed"

# ---------------------------------------------------------------- the report for the book
rows() { sed -n 's/^ok - scripted, Windows: //p' "$work/out" | grep -v '^random' | sed 's/.*/| & |/'; }
if [ "${1-}" = keep ] && [ $bad -eq 0 ] && ! grep -q '^not ok' "$work/out"; then
    mkdir -p book/reports
    {
        echo '| A script |'
        echo '|---|'
        rows
        echo
        echo "Each passes, and so do $count random ones of up to 120 steps each; $total ways to break the library are noticed." \
            "Measured on $(date +%F) with $("$run" --version 2>/dev/null | head -n 1), $("$cc" --version | head -n 1)," \
            "by \`tests/scripted_windows.sh keep\`. The kernel is a model after Microsoft's pages and what Wine does:" \
            "it shows what the library does with such answers, not that Windows gives them."
    } >"$report"
fi
[ ! -e "$report" ] || {
    rows >"$work/rows"
    grep '^| ' "$report" | grep -v '^| A script' >"$work/kept"
    if cmp -s "$work/kept" "$work/rows"; then echo "ok - scripted, Windows: $report has these scripts"
    else echo "not ok - scripted, Windows: $report is of other scripts"; fi
}
