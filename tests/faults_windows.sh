#!/bin/sh
# takes: 90
# The fault seam on Windows: each call of the library to Windows fails, with each error that Microsoft's pages have for it.
# Under Wine, which is no proof of Windows. See tests/faults/faults_windows.c
#
#   tests/faults_windows.sh             each error, and each call
#   tests/faults_windows.sh all         every error at every call, and nothing else
#   tests/faults_windows.sh keep        the same, and keeps what came of it in book/reports/faults-windows.md
#
# MINIMIO_SRC: another library than the one in generated/
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
. ./tests/faults/seam_windows
how=some report=book/reports/faults-windows.md
case ${1-} in all | keep) how=all ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/faults-windows.XXXXXX")
trap '[ -z "${started-}" ] || wine_stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src} faults=tests/faults
first() { head -n 3 "$1" | tr '\n' ' '; }
case $systems in here) echo 'skip - faults, Windows: only under Wine'; exit 0 ;; esac
system windows
objcopy=${cc%-gcc}-objcopy nm=${cc%-gcc}-nm name='Windows (Wine)'
for need in "$need" "$objcopy" "$nm" "$run"; do
    installed || { echo "skip - faults, Windows: missing ${need##*/}"; exit 0; }
done

seam_names fault $faults/calls_windows.c

# Nothing of the kernel's that fails: their pages were read. A lock, a bell and a clock are one's own
harmless='GetCurrentThreadId GetLastError SetLastError WSAGetLastError WSASetLastError InitOnceExecuteOnce
InitializeConditionVariable InitializeSRWLock WakeAllConditionVariable WakeConditionVariable SleepConditionVariableSRW
AcquireSRWLockExclusive ReleaseSRWLockExclusive QueryPerformanceCounter QueryPerformanceFrequency Sleep
WaitForSingleObject _errno __acrt_iob_func htons ntohs inet_.*'

built() {
    mkdir "$work/library" || return 1
    for source in "$library"/*.c; do object "$work/library" "$source" || return 1; done
    tester $faults/calls_windows.c $faults/faults_windows.c $faults/steps.c && linked "$work/faults.exe" "$work/library"
}
if ! built; then
    echo "not ok - faults, Windows, builds: $(first "$work/err")"
    exit 1
fi
wine_start
started=1

# ---------------------------------------------------------------- with each failure
timeout -k 10 1500 "$run" "$work/faults.exe" "$name" "$how" </dev/null 2>/dev/null | tr -d '\r' >"$work/out"
grep '^not ok' "$work/out"
awk -F'[:#] *' -v name="$name" '
    /^# / { if (!($2 in count)) order[++n] = $2; count[$2] += $3 }
    /^not ok/ { bad++ }
    END {
        for (i = 1; i <= n; i++) {
            total += count[order[i]]
            if (count[order[i]] == 0) { print "not ok - faults, " name ": " order[i] " never failed"; bad++ }
            else if (!bad) print "ok - faults, " name ": " order[i] ": " count[order[i]] " failures, each with a documented end"
        }
        if (n == 0) print "not ok - faults, " name ": no result"
        else if (!bad) print "ok - faults, " name ": " n " calls, " total " failures in all"
    }' "$work/out"

# The report for the book: what it says of calls and errors is compared, how often they were called is not
if [ "${1-}" = keep ] && ! grep -q '^not ok' "$work/out"; then
    mkdir -p book/reports
    {
        echo '| Call that fails | errors | calls | failures |'
        echo '|---|---:|---:|---:|'
        awk -F'[:#] *' '/^# / {
                if (!($2 in sum)) order[++n] = $2
                split($3, word, " "); sum[$2] += word[1]; rest[$2] = word[2] " | " word[3]; total += word[1]
            }
            END {
                for (i = 1; i <= n; i++) print "| `" order[i] "` | " rest[order[i]] " | " sum[order[i]] " |"
                print "| all | | | " total " |"
            }' "$work/out"
        echo
        echo "Measured on $(date +%F) with $("$run" --version 2>/dev/null | head -n 1) on $(uname -sr), $("$cc" --version | head -n 1)," \
            "by \`tests/faults_windows.sh keep\`: each call of a workload fails with each error, once alone and once with all" \
            "that follow. Wine is not Windows: the errors are Microsoft's, the kernel is not."
    } >"$report"
fi
if [ -e "$report" ]; then
    sed -n 's/^# \(.*\): [0-9]* \([0-9]*\) [0-9]*$/\1 \2/p' "$work/out" | sort -u >"$work/rows"
    # shellcheck disable=SC2016
    sed -n 's/^| `\(.*\)` | \([0-9]*\) |.*/\1 \2/p' "$report" | sort -u >"$work/kept"
    if cmp -s "$work/rows" "$work/kept"; then echo "ok - faults, $name: $report has these calls and errors"
    else echo "not ok - faults, $name: $report is of other calls: $(diff "$work/rows" "$work/kept" | head -n 3 | tr '\n' ' ')"; fi
fi

# Does each call of the objects come to us?
other=$("$nm" -u "$work"/library/*.o | sed -n 's/^ *U __imp_//p' | sort -u | while read -r call; do
    case $call in fault_*) continue ;; esac
    for pattern in $harmless; do
        if expr "$call" : "$pattern\$" >/dev/null; then continue 2; fi
    done
    echo "$call"
done | tr '\n' ' ')
if [ -n "$other" ]; then echo "not ok - faults, $name: calls that nobody can make fail: $other"
else echo "ok - faults, $name: each of the calls that the library makes is here"; fi

# ---------------------------------------------------------------- seen to fail
[ $how = some ] || exit 0
total=0 bad=0
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    call=${line%% | *} rest=${line#* | }
    file=${rest%% | *} rest=${rest#* | }
    what=${rest##* | } edit=${rest% | *}
    total=$((total + 1))
    if ! broken "$file" "$edit"; then
        echo "not ok - faults, $name, seen to fail: with '$edit': $(first "$work/err")"
        bad=1
        continue
    fi
    timeout -k 10 60 "$run" "$work/broken.exe" broken some "$call" </dev/null 2>/dev/null | tr -d '\r' >"$work/out"
    if said=$(grep -m 1 '^not ok' "$work/out"); then echo "# $what: ${said#*broken: }"
    else
        echo "not ok - faults, $name, seen to fail: nothing fails although $what"
        bad=1
    fi
done <$faults/breaks_windows
[ $bad -ne 0 ] || echo "ok - faults, $name: $total ways to break the library, each noticed"
