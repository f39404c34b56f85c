#!/bin/sh
# The web book as its readers meet it: in a real Chromium, from file://.
# needs: book
# takes: 300
set -u
cd "$(dirname "$0")/.." || exit 1
command -v node > /dev/null || { echo "skip - the site in a browser: missing node"; exit 0; }
[ -d tests/node_modules/playwright-core ] || { echo "skip - the site in a browser: missing playwright-core"; exit 0; }
[ -d tests/node_modules/axe-core ] || { echo "skip - the site in a browser: missing axe-core"; exit 0; }
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && browser=$(command -v "$name") && break
done
[ -n "${browser:-}" ] || { echo "skip - the site in a browser: missing chromium"; exit 0; }
if [ -z "${SITE:-}" ]; then
    for tool in pandoc notangle; do
        command -v $tool > /dev/null || { echo "skip - the site in a browser: missing $tool"; exit 0; }
    done
    [ -n "${MADE:-}" ] || make -s book > build/site-make.log 2>&1 || { echo "not ok - make book: $(head -n 1 build/site-make.log)"; exit 1; }
fi
CHROMIUM=$browser exec node tests/site.mjs "${SITE:-build/web}"
