#!/bin/sh
# Names, looked up by a getaddrinfo that the test replaces: what no system can be asked to answer
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/names.XXXXXX")
trap 'rm -rf "$work"' EXIT
case $(uname -s) in
Linux) ;;
*) echo 'skip - names: only on Linux, whose codes they are'; exit 0 ;;
esac
# shellcheck disable=SC2086
if ! ${CC:-cc} $cflags -Igenerated/include -o "$work/names" tests/names/names.c generated/src/*.c -pthread 2>"$work/errors"; then
    echo "not ok - names: the test does not compile: $(head -n 1 "$work/errors")"
    exit 1
fi
timeout 60 "$work/names" >"$work/out"
status=$?
sed 's/ - / - names: /' "$work/out"
[ "$status" -le 1 ] || echo "not ok - names: ended with status $status"
