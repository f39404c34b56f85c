#!/bin/sh
# The scripts of the tools and tests, read by shellcheck.
set -u
cd "$(dirname "$0")/.." || exit 1
command -v shellcheck > /dev/null || { echo "skip - shell scripts: missing shellcheck"; exit 0; }
failed=0
for file in tangle/* tests/*.sh tests/run tests/table tests/behaviours tests/*/*; do
    [ -f "$file" ] || continue
    head -n 1 "$file" | grep -q -e '^#!/bin/sh' -e 'shellcheck shell=sh' || continue
    if said=$(shellcheck -x "$file" 2>&1); then echo "ok - shellcheck $file"
    else echo "not ok - shellcheck $file: $(printf '%s' "$said" | head -n 3 | tr '\n' ' ')"; failed=1; fi
done
exit $failed
