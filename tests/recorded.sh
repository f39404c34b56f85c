#!/bin/sh
# shellcheck disable=SC2016  # $ is sed's
# What the book shows as output is what the programs print; and a difference
# is noticed, in the words and in the order, but not in the milliseconds.
# takes: 220
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/recorded.XXXXXX")
trap '[ -z "${WINE_KEPT-}" ] || wine_stop; rm -rf "$work"' EXIT
. ./tangle/systems
failed=0
ok() { echo "ok - $1"; }
no() { echo "not ok - $1: $2"; failed=1; }

command -v curl > /dev/null || { echo "skip - recorded outputs: missing curl"; exit 0; }
make -s tangle > "$work/said" 2>&1 || { echo "not ok - the programs build: $(head -n 1 "$work/said")"; exit 1; }
# Wine's server is started once for all
if grep -q '^# on: windows' book/recorded/*.cmd && [ -x "$wine" ]; then
    wine_start
    export WINE_KEPT=1
fi
for file in book/recorded/*.cmd; do
    name=$(basename "$file" .cmd)
    if tangle/record -n "$name" > "$work/said" 2>&1; then
        if why=$(sed -n "s/^record: $name: skipped: //p" "$work/said" | grep ''); then echo "skip - recorded: $name: $why"
        else ok "recorded: $name"; fi
    else no "recorded: $name" "$(head -n 12 "$work/said" | tr '\n' '|')"; fi
done

# The same comparison, on outputs that are wrong.
mkdir -p "$work/book/recorded"
cp book/*.md "$work/book"
export BOOK="$work/book"
try() { # NAME SED-SCRIPT: how does the comparison end, the recorded output edited so?
    cp "book/recorded/$1.cmd" "$work/book/recorded"
    sed "$2" "book/recorded/$1.out" > "$work/book/recorded/$1.out"
    tangle/record -n "$1" > "$work/said" 2>&1
}
if try fan_poll 's/^ *[0-9]* ms/ 999 ms/'; then ok "milliseconds may differ"; else no "milliseconds may differ" "$(head -n 3 "$work/said")"; fi
if try fan_poll 's/after 100 ms/after 150 ms/'; then no "the delay asked for may not" "not noticed"
elif grep -q "01-waiting.md:[0-9]*: recorded output 'fan_poll' no longer matches" "$work/said"; then ok "the delay asked for may not, and chapter and line are named"
else no "the delay asked for may not, and chapter and line are named" "$(head -n 1 "$work/said")"; fi
if try fan_poll '/fifth/{h;d;};$G'; then no "the order may not" "not noticed"; else ok "the order may not"; fi
if try hello '$d'; then no "a missing line is noticed" "not noticed"; else ok "a missing line is noticed"; fi
if try costs_threads 's/[0-9][0-9.]*/1/'; then ok "measured numbers may differ"; else no "measured numbers may differ" "$(sed -n 2,4p "$work/said" | tr '\n' '|')"; fi
if try costs_threads 's/start a/begin a/'; then no "their words may not" "not noticed"; else ok "their words may not"; fi
exit $failed
