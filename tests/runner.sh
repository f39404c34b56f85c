#!/bin/sh
# The test runner itself: what it counts, and that nothing gets past it
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/runner.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tests" "$work/tangle"
cp tests/run tests/table "$work/tests/"
cp tangle/systems "$work/tangle/"

# a_file NAME: a fake test file, from standard input
a_file() { cat >"$work/tests/$1.sh"; }

# run: all fake test files; what it says is in out, sets status
run() {
    status=0
    (unset CI WINE_OWN MADE; export TEST_SECONDS="${limit:-1}"; ${ci:+env CI=true} "$work/tests/run") \
        >"$work/out" 2>&1 </dev/null || status=$?
}

# runs NAME LAST_LINE STATUS [TEXT]: run the fake test file on standard input
runs() {
    a_file fake
    run
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
ci=''

# ---------------------------------------------------------------- several files
# is NAME WANTED GOT
is() {
    if [ "$2" = "$3" ]; then echo "ok - runner, $1"; else echo "not ok - runner, $1: '$3', not '$2'"; fi
}
cd "$work" || exit 1
rm tests/fake.sh
mkdir running
cat >note <<'T'
# note NAME: what runs beside it? It takes two seconds, and others have time to begin
note() {
    : >"running/$1"
    sleep 1
    echo "$1: $(echo running/* | sed 's|running/||g')" >>seen
    sleep 1
    rm "running/$1"
    echo "ok - $1"
}
T
# noting NAME [COMMENT]
noting() { printf '#!/bin/sh\n# A test\n%s\n. ./note\nnote %s\n' "${2:+# $2}" "$1" | a_file "$1"; }
order() { sed 's/:.*//' seen | tr '\n' ' '; }
shown() { sed -n 's/^\([a-z]*\): .*passed.*/\1/p' out | tr '\n' ' '; }
beside() { sed -n "s/^$1: //p" seen; }
limit=20        # for these, instead of the second that those above have
noting a
noting b 'takes: 20'
noting c 'alone: it counts'
noting d 'first: it compares'
noting e 'takes: 100'
noting f

: >seen
TEST_JOBS=2 run
is 'two at once, the longest first' 'e a' "$(beside e | tr ' ' '\n' | sort -r | tr '\n' ' ' | sed 's/ $//')"
is 'the shortest is not before the others' 'b f' "$(sed -n 4,5p seen | sed 's/:.*//' | sort | tr '\n' ' ' | sed 's/ $//')"
is 'who is to be first is it, and alone' 'd: d' "$(sed -n 1p seen)"
is 'who is to be alone is it, and after all others' 'c: c' "$(sed -n '$p' seen)"
is 'what they say comes in the order of the files' 'a b c d e f ' "$(shown)"
is 'all are counted' '6 passed, 0 failed, 0 skipped 0' "$(tail -n 1 out) $status"

: >seen
TEST_JOBS=1 run
is 'one at once' '' "$(grep ': .* ' seen)"
is 'one at once: in their order, but for the first and the last' 'd a b e f c ' "$(order)"

noting b
{ echo 'echo "not ok - g: why"'; echo 'exit 1'; } | a_file g
: >seen
TEST_JOBS=3 run
is 'one of them fails' '6 passed, 1 failed, 0 skipped 1 1' "$(tail -n 1 out) $status $(grep -c '^not ok - g: why$' out)"
rm -f tests/[a-g].sh

# ---------------------------------------------------------------- what is made for all
printf '.PHONY: tangle\ntangle:\n\techo tangle >>made\nbook:\n\techo book >>made\nbad:\n\tfalse\n' >Makefile
for name in a b; do
    # shellcheck disable=SC2016
    { printf '# needs: book\n'; echo 'echo "ok - it was made: ${MADE-}, ${WINE_OWN-}"'; } | a_file $name
done
TEST_JOBS=2 run
is 'what two need is made once, and they know' 'book tangle ok - it was made: yes, a ok - it was made: yes, b ' \
    "$(sort made | tr '\n' ' ')$(cat build/test-logs/a.log build/test-logs/b.log | tr '\n' ' ')"
# shellcheck disable=SC2016
{ echo '# needs: bad'; echo 'echo "ok - ${MADE-not made}"'; } | a_file a
TEST_JOBS=2 run
is 'what cannot be made is a failure' '2 passed, 1 failed, 0 skipped 1 ok - not made' \
    "$(tail -n 1 out) $status $(cat build/test-logs/a.log)"
rm -f tests/[a-b].sh Makefile

# ---------------------------------------------------------------- the table
cat >tests/legs <<'T'
# a comment
one system | compile | build | for one
one system | run | suite | on one
another system | run | * | another
a third system | compile | * | a third
a fourth | run | * | nothing
words | - | words | .
T
echo 'echo "ok - for one"; echo "ok - for a third"; echo "skip - another: missing it"' | a_file build
echo 'sleep 3; echo "ok - on one"; echo "not ok - on one: why"; echo "ok - on one, more"; echo "# another"' | a_file suite
echo 'echo "ok - spelling"; echo "ok - another"' | a_file words
echo 'echo "ok - a thing"' | a_file stray
TEST_JOBS=1 run
row() { sed -n "s/^| $1 //p" out | sed 's/ [0-9]* |$//'; }
is 'the table: a leg of two files' '| yes | yes | 3 | 1 | 0 |' "$(row 'one system')"
is 'the table: another that one line is of' '| yes | yes | 1 | 0 | 1 |' "$(row 'another system')"
is 'the table: compiled only' '| yes | no | 1 | 0 | 0 |' "$(row 'a third system')"
is 'the table: no line, not run' '| | not run | | | |' "$(sed -n 's/^| a fourth //p' out | sed 's/ |$//')"
is 'the table: nothing to compile' '|  |  | 1 | 0 | 0 |' "$(row words)"
is 'the table: what is in no row' '|  |  | 1 | 0 | 0 |' "$(row other)"
is 'the table: its sums are the last line, which comes after it' '7 passed, 1 failed, 1 skipped all 7 1 1' \
    "$(tail -n 1 out) $(grep -A 9 '^| all ' out | sed -n '1s/[ |]\{1,\}/ /gp' | cut -d ' ' -f 2-5)"
is 'the table: who slept three seconds took them' 1 "$(sed -n 's/^| one system .* \([0-9]*\) |$/\1/p' out | awk '{ print $1 >= 3 }')"
is 'the table: it is kept' "$(grep '^|' out)" "$(grep '^|' build/test-logs/table.md)"
