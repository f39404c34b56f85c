#!/bin/sh
# The pool where the system has no more, and names that come to nothing: see pool/pool.c. The library is compiled as it
# is; its objects get other names for the calls. MINIMIO_SRC: another library than the one in generated/
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$(uname -s)" = Linux ] || { echo 'skip - pool: only on Linux'; exit 0; }
for tool in gcc objcopy; do
    command -v $tool >/dev/null || { echo "skip - pool: missing $tool"; exit 0; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/pool.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
flags='-std=c11 -O1 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Igenerated/include'

# with LIBRARY: the program's lines in $work/out
with() {
    rm -f "$work"/*.o
    for file in "$1"/*.c tests/pool/pool.c; do
        object=$work/$(basename "$file" .c).o
        [ "$file" != tests/pool/pool.c ] || object=$work/tester.o
        # shellcheck disable=SC2086
        gcc $flags -I"$library" -c -o "$object" "$file" || return 1
    done
    for file in pool resolve; do objcopy --redefine-syms=tests/pool/names "$work/$file.o" || return 1; done
    gcc -o "$work/pool" "$work"/*.o -pthread || return 1
    timeout -k 5 60 "$work/pool" >"$work/out" </dev/null || [ $? -eq 1 ] ||
        echo 'not ok - it does not end well' >>"$work/out"
}

library=${MINIMIO_SRC:-generated/src}
if ! with "$library" 2>"$work/err"; then
    echo "not ok - pool: it does not build: $(head -n 1 "$work/err")"
    exit 1
fi
sed 's/^\(ok\|not ok\) - /&pool: /' "$work/out"

# seen to fail
bad=0 total=0
while IFS='|' read -r file edit; do
    case $file in '#'* | '') continue ;; esac
    total=$((total + 1))
    rm -rf "$work/broken"
    cp -R "$library" "$work/broken"
    sed "$edit" "$library/$file" >"$work/broken/$file"
    if cmp -s "$library/$file" "$work/broken/$file"; then echo "not ok - pool, seen to fail: '$edit' changes nothing"; bad=1
    elif ! with "$work/broken" 2>"$work/err"; then echo "not ok - pool, seen to fail: with '$edit': $(head -n 1 "$work/err")"; bad=1
    elif ! grep -q '^not ok' "$work/out"; then echo "not ok - pool, seen to fail: nothing fails with '$edit'"; bad=1
    fi
done <tests/pool/breaks
[ $bad -ne 0 ] || echo "ok - pool: $total ways to break it, each noticed"
