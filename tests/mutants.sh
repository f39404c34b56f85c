#!/bin/sh
# takes: 150
# A sample of the ways to break the library, each to be noticed: see tests/mutants/mutants
#   SEED=1    which      MUTANTS=24   how many
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$(uname -s)" = Linux ] || { echo 'skip - mutants: only on Linux'; exit 0; }
for tool in gcc objcopy; do
    command -v $tool >/dev/null || { echo "skip - mutants: missing $tool"; exit 0; }
done
tests/mutants/mutants "${MUTANTS:-24}"
