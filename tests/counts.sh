#!/bin/sh
# What a message costs on minimio, in system calls, allocations, instructions and bytes: see tests/counts/
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/counts.XXXXXX")
trap 'rm -rf "$work"' EXIT
make -s bench-counts >"$work/said" 2>&1
status=$?
cat "$work/said"
grep -q '^ok - \|^skip - ' "$work/said" || echo "not ok - counts: $(tail -n 1 "$work/said")"
exit $status
