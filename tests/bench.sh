#!/bin/sh
# takes: 40
# The benchmarks, each once and tiny; what a message costs each contender in system calls; and that a wake-up that
# finds the flag set, which a flood makes cheap, is in order with what was written before it. See tests/bench/
#
# Breaks that were seen: a look in place of the exchange in mio_queue_wake (ThreadSanitizer); an echo server that
# changes a byte, or is silent; one more system call for each message in minimio's.
set -u
cd "$(dirname "$0")/.." || exit 1
INCLUDE=${INCLUDE:-generated/include} LIBRARY=${LIBRARY:-generated/src/*.c}
work=$(mktemp -d "${TMPDIR:-/tmp}/ordered.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
failed=0

ordered() {
    what='what was written before a wake-up is there after it'
    command -v clang >/dev/null || { echo "skip - bench: missing clang"; return 0; }
    # shellcheck disable=SC2086  # LIBRARY is a list of files
    if clang -std=c11 -O1 -g -fsanitize=thread -I"$INCLUDE" -o "$work/ordered" tests/bench/ordered.c \
            tests/bench/common.c $LIBRARY -pthread 2>"$work/errors" &&
        [ "$(timeout 30 "$work/ordered" 2>"$work/errors")" = '42 after woken' ]; then echo "ok - bench: $what"
    else
        echo "not ok - bench: $what: $(grep -m 1 . "$work/errors")"
        failed=1
    fi
}

[ "$(uname -s)" != Linux ] || ordered
tests/bench/bench smoke || failed=1
exit $failed
