#!/bin/sh
# minimio.h, the manual: it compiles alone as C and as C++ on every system, takes no name that is not its own,
# keeps its size, and says of each function which thread may call it and what can go wrong
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
header=generated/include/minimio.h
work=$(mktemp -d "${TMPDIR:-/tmp}/header.XXXXXX")
trap 'rm -rf "$work"' EXIT

# report NAME: nothing in $work/said is good
report() {
    if [ -s "$work/said" ]; then echo "not ok - $1: $(head -n 3 "$work/said" | tr '\n' ' ')"
    else echo "ok - $1"
    fi
}

# --- alone, with every warning an error; the sizes; and names that C++ finds in C
cat >"$work/alone.c" <<'C'
#include "minimio.h"
int first(mio_queue **q);
int first(mio_queue **q) { mio_op op = { 0 }; return mio_queue_open(q, NULL) + mio_queue_submit(*q, &op); }
#if defined(_WIN32)     /* where the kernel writes into a socket */
#define MOST 304
#else
#define MOST 256
#endif
typedef char small[sizeof(mio_op) + sizeof(mio_socket) <= MOST ? 1 : -1];
typedef char roomy[sizeof(mio_address) >= 88 ? 1 : -1];
C
sed 's/ = { 0 }/ = mio_op()/' "$work/alone.c" >"$work/alone.cpp"

# compiles WORDS COMPILER... with the file last
compiles() {
    words=$1
    shift
    command -v "$1" >/dev/null || { echo "skip - $words: missing ${1##*/}"; return; }
    # shellcheck disable=SC2086
    "$@" $warnings -Igenerated/include -c -o "$work/alone.o" >"$work/said" 2>&1
    report "$words"
}
for name in $systems; do
    system "$name"
    # shellcheck disable=SC2086
    compiles "the header is C11, $title" $cc -std=c11 "$work/alone.c"
    case $cc in
    *gcc)      with=${cc%gcc}g++ ;;
    clang)     with=clang++ ;;
    *'zig cc'*) with="${cc%zig cc*}zig c++${cc#*zig cc}" ;;
    *)         with=c++ ;;
    esac
    case $name in arm64 | i386 | s390x) continue ;; esac
    # shellcheck disable=SC2086
    compiles "the header is C++11, $title" $with -std=c++11 "$work/alone.cpp"
done
if command -v g++ >/dev/null && command -v nm >/dev/null; then
    g++ -std=c++11 -Igenerated/include -c -o "$work/alone.o" "$work/alone.cpp" 2>"$work/said" &&
        nm -u "$work/alone.o" | grep -q -w mio_queue_open || echo "mio_queue_open is not among the symbols" >>"$work/said"
    report "C++ calls the functions of a C library"
fi

# --- each function has a comment above it that names its thread and its errors
undocumented() {
    awk '
    /^ *\/\*/ { comment = "" }
    /^ *\/\*/, /\*\// { comment = comment " " $0; next }
    /^$/ { comment = "" }
    /^(const )?[a-z0-9_]+ +\**mio_[a-z_]+\(/ {
        name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
        functions++
        if (comment !~ /thread +(any|owner)/) print name ": which thread?"
        if (comment !~ /errors +[a-zM]/) print name ": which errors?"
    }
    END { if (functions < 40) print functions + 0 " functions found" }' "$1"
}
undocumented $header >"$work/said"
report 'each function says its thread and its errors'
sed '/thread  owner of the queue/d' $header >"$work/bad.h"
undocumented "$work/bad.h" >"$work/found"
grep -q '^mio_socket_detach: which thread' "$work/found" || echo 'a missing one is not noticed' >"$work/said"
report 'a function that does not say its thread is found'

# --- names: mio_ and MIO_, and none of libsndio's
names() {
    sed -n 's/^ *# *define \([A-Za-z0-9_]*\).*/macro \1/p' "$1"
    mkdir -p "$work/empty"
    : >"$work/empty/stddef.h"; : >"$work/empty/stdint.h"
    "${CC:-cc}" -E -P -nostdinc -I"$work/empty" "$1" | tr '\n' ' ' | awk '{
        gsub(/[{};,()=*]/, " & ")
        for (n = split($0, t, / +/) + 1; ++i < n; ) {
            if (t[i] == "{") { depth++; if (t[i - 1] == "enum") inside = depth }
            else if (t[i] == "}") { if (inside == depth) inside = 0; depth-- }
            else if (inside && inside == depth && t[i] ~ /^[A-Za-z_]/ && t[i - 1] != "=") print "constant", t[i]
            else if (!depth && t[i] == "(" && !nested++) print "function", t[i - 1]
            else if (!depth && t[i] == ")") nested--
            else if (!depth && !nested && t[i] == ";" && t[i - 1] ~ /^[A-Za-z_]/) print "type", t[i - 1]
            else if (!depth && !nested && t[i] == "struct") print "tag", t[i + 1]
        }
    }'
}
strange() {
    names "$1" | sort -u | grep -v -E '^(macro (MIO_|MINIMIO_H)|constant MIO_|(function|type|tag) mio_)'
    names "$1" | grep -w -E 'mio_(open|close|read|write|eof|nfds|pollfd|revents)'
}
strange $header >"$work/said"
report 'every name is mio_ or MIO_, and none is libsndio'"'"'s'
for kind in macro constant function type tag; do
    names $header | grep -q "^$kind mio_\|^$kind MIO_" || echo "no $kind is found"
done >"$work/said"
{ sed 's/mio_nop(/nop(/; s/MIO_WOKEN/WOKEN/' $header; echo 'int mio_eof(void);'; } >"$work/bad.h"
strange "$work/bad.h" | sort -u | tr '\n' ' ' >"$work/found"
[ "$(cat "$work/found")" = 'constant WOKEN function mio_eof function nop ' ] || cat "$work/found" >>"$work/said"
report 'a name that is not ours is found'

# --- nothing is included but two headers that every compiler has
grep '# *include' $header | grep -v -E '<(stddef|stdint)\.h>' >"$work/said"
report 'it includes stddef.h and stdint.h only'
