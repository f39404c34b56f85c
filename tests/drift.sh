#!/bin/sh
# generated/ is what the chapters say: compared before anything tangles in place.
# first: others tangle in place
# takes: 15
set -u
cd "$(dirname "$0")/.." || exit 1
command -v notangle > /dev/null || { echo "skip - generated/ is what the chapters say: missing noweb"; exit 0; }
said=$(tangle/tangle -n -o generated book/preface.md book/[0-9][0-9]-*.md 2>&1) && { echo "ok - generated/ is what the chapters say"; exit 0; }
echo "not ok - generated/ is what the chapters say: $(echo "$said" | head -n 3 | tr '\n' '|')"
exit 1
