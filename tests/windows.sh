#!/bin/sh
# What the library does on Windows alone: its table of codes, Winsock's start, listeners, handles. See windows/own.c
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/windows.XXXXXX")
trap '[ -z "${started-}" ] || wine_stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src}

case $systems in
here)
    system here
    case $folders in
    iocp*) run='' ;;
    *) echo 'skip - on Windows alone: this is another system'; exit 0 ;;
    esac ;;
*)
    system windows
    for need in "$need" "$run"; do
        installed || { echo "skip - on Windows alone: missing ${need##*/}"; exit 0; }
    done
    wine_start
    started=1 ;;
esac
# shellcheck disable=SC2086
if ! $cc $cflags -Igenerated/include -I"$library" -o "$work/own$exe" tests/windows/own.c "$library"/*.c $libs 2>"$work/err"; then
    echo "not ok - on Windows alone, it builds: $(head -n 3 "$work/err" | tr '\n' ' ')"
    exit 1
fi
# shellcheck disable=SC2086
timeout -k 5 60 $run "$work/own$exe" >"$work/out" 2>/dev/null </dev/null
status=$?
tr -d '\r' <"$work/out" | sed 's/^\(not ok\|ok\|skip\) - /&on Windows alone, /'
[ "$status" -eq 0 ] || grep -q '^not ok' "$work/out" || echo "not ok - on Windows alone, it ended with status $status"
! grep -q '^not ok' "$work/out"
