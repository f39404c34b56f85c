#!/bin/sh
# The test runner itself: what it counts, and that nothing gets past it
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/runner.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/tests"
cp tests/run "$work/tests/"

# runs NAME LAST_LINE STATUS [TEXT]: run the fake test file on standard input
runs() {
    cat >"$work/tests/fake.sh"
    status=0
    (unset CI; export TEST_SECONDS=1; ${ci:+env CI=true} "$work/tests/run") >"$work/out" 2>&1 || status=$?
    if [ "$(tail -n 1 "$work/out")" != "$2" ]; then
        echo "not ok - runner, $1: the last line is '$(tail -n 1 "$work/out")'"
    elif [ "$status" -ne "$3" ]; then
        echo "not ok - runner, $1: status $status"
    elif [ -n "${4-}" ] && ! grep -q -- "$4" "$work/out"; then
        echo "not ok - runner, $1: it does not say '$4'"
    else
        echo "ok - runner, $1"
    fi
}
ci=''

runs 'all passes' '2 passed, 0 failed, 0 skipped' 0 <<'T'
echo 'ok - one'; echo 'noise'; echo 'ok - two'
T
runs 'one fails' '1 passed, 1 failed, 0 skipped' 1 '^not ok - two: why$' <<'T'
echo 'ok - one'; echo 'not ok - two: why'; exit 1
T
runs 'a failure with status 0' '0 passed, 1 failed, 0 skipped' 1 <<'T'
echo 'not ok - two: why'
T
runs 'a skip' '1 passed, 0 failed, 1 skipped' 0 '^skip - two: missing nothing$' <<'T'
echo 'ok - one'; echo 'skip - two: missing nothing'
T
runs 'a test that hangs' '1 passed, 1 failed, 0 skipped' 1 'stopped after 1 seconds' <<'T'
echo 'ok - one'; sleep 30
T
runs 'a test that crashes' '1 passed, 1 failed, 0 skipped' 1 'ended with status 139' <<'T'
echo 'ok - one'; sh -c 'kill -SEGV $$'; exit $?
T
runs 'a test that says nothing' '0 passed, 1 failed, 0 skipped' 1 'printed no result' <<'T'
exit 0
T
ci=yes
runs 'in CI a missing tool is a failure' '1 passed, 1 failed, 0 skipped' 1 '^not ok - two: missing qemu$' <<'T'
echo 'ok - one'; echo 'skip - two: missing qemu'
T
runs 'in CI another skip is none' '1 passed, 0 failed, 1 skipped' 0 <<'T'
echo 'ok - one'; echo 'skip - two: only on macOS'
T
