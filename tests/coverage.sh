#!/bin/sh
# takes: 120
# Which lines and branches of the library the tests run: see tests/coverage/coverage
set -u
cd "$(dirname "$0")/.." || exit 1
tests/coverage/coverage
