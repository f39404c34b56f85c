#!/bin/sh
# takes: 70
# Load and abuse: servers on the library, among them echod and chat as they are in the book, against thousands of peers
# on raw sockets, most of them hostile. What the library asks of the kernel is counted. See tests/load/attack.c.
#   tests/load.sh         9,000 connections and less
#   tests/load.sh all     twice as many, as far as there are descriptors
#   tests/load.sh keep    and write book/reports/load.md
#   tests/load.sh breaks  only the ways to break it, see tests/load/breaks
#   MINIMIO_SRC: another library than the one in generated/
set -u
cd "$(dirname "$0")/.." || exit 1
case $(uname -s) in
Linux) ;;
*)  echo 'skip - load: only on Linux'; exit 0 ;;
esac
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/load.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
library=${MINIMIO_SRC:-generated/src} load=tests/load model=tests/kqueue common=generated/examples/common
for tool in gcc objcopy; do
    command -v $tool >/dev/null || { echo "skip - load: missing $tool"; exit 0; }
done
system gcc
percent=100
[ "${1-}" != all ] || percent=200
first() { head -n 3 "$1" | tr '\n' ' '; }

# The calls: what has a count_
sed -n 's/^[a-z].*[ *]\(count_\([a-z_0-9]*\)\)(.*[^;]$/\2 \1/p' $load/counts*.c >"$work/names"

# compile OBJECT SOURCE FLAG...
compile() {
    object=$1 source=$2
    shift 2
    # shellcheck disable=SC2086
    $cc $cflags -g -Igenerated/include -Igenerated/examples -I$load -I$model -I"$library" "$@" -c -o "$object" "$source"
}
# objects DIRECTORY FLAG...: the library, counted
objects() {
    directory=$1
    shift
    mkdir -p "$directory"
    for source in "$library"/*.c; do
        object=$directory/$(basename "$source" .c).o
        compile "$object" "$source" "$@" && objcopy --redefine-syms="$work/names" "$object" || return 1
    done
}
# linked PROGRAM OBJECT...
linked() {
    program=$1
    shift
    # shellcheck disable=SC2086
    $cc -o "$work/$program" "$@" $libs
}
build() {
    objects "$work/epoll" && objects "$work/kqueue" -DMIO_KQUEUE || return 1
    for source in "$load"/*.c generated/examples/echod.c generated/examples/chat.c $common/sys_posix.c $model/kqueue.c; do
        name=$(basename "$source" .c)
        [ "$source" != $model/kqueue.c ] || name=model
        compile "$work/$name.o" "$source" || return 1
    done
    linked attack "$work/attack.o" "$work/crowd.o" && linked gossip "$work/gossip.o" "$work/crowd.o" || return 1
    for name in server many; do
        linked $name-epoll "$work/$name.o" "$work/counts.o" "$work"/epoll/*.o &&
            linked $name-kqueue "$work/$name.o" "$work/counts.o" "$work/counts_kqueue.o" "$work/model.o" "$work"/kqueue/*.o ||
            return 1
    done
    for name in echod chat; do
        linked $name "$work/$name.o" "$work/sys_posix.o" "$work/counts.o" "$work"/epoll/*.o || return 1
    done
}
if ! build 2>"$work/err"; then
    echo "not ok - load builds: $(first "$work/err")"
    exit 1
fi

# ---------------------------------------------------------------- the attacks
# said COMMAND...: its lines; those for the report are kept
said() {
    timeout -k 10 400 "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    cat "$work/out" >>"$work/rows"
    grep -v '^row ' "$work/out"
    [ $status -eq 0 ] || echo "not ok - load: ${1##*/} ended with status $status: $(first "$work/err")"
}
# many TITLE WHAT PROGRAM ARGUMENT...: the one line of many, as the others are
many() {
    title=$1 what=$2
    shift 2
    timeout -k 10 200 "$@" >"$work/out" 2>"$work/err" </dev/null
    read -r verdict facts <"$work/out"
    case $verdict in
    ok)     echo "ok - load, $title: $what: $facts"
            echo "row | $title | $what | $facts | | | | |" >>"$work/rows" ;;
    skip)   echo "skip - load, $title: $what: $facts" ;;
    *)      echo "not ok - load, $title: $what: $facts $(first "$work/err")" ;;
    esac
}
attack() {
    : >"$work/rows"
    said "$work/attack" epoll $percent "$work/counts" all "$work/server-epoll"
    many epoll 'a thousand queues' "$work/many-epoll" all $((10 * percent))
    many epoll 'no port left' "$work/many-epoll" ports 64
    said "$work/attack" echod $percent "$work/counts" all "$work/echod"
    said "$work/gossip" "$work/counts" "$work/chat"
    export MODEL_KQUEUE=freebsd
    said "$work/attack" 'model kqueue' $percent "$work/counts" all "$work/server-kqueue"
    many 'model kqueue' 'a hundred queues' "$work/many-kqueue" queues $percent
    many 'model kqueue' 'no port left' "$work/many-kqueue" ports 64
    unset MODEL_KQUEUE
}
[ "${1-}" = breaks ] || attack

# ---------------------------------------------------------------- with sanitizers
# checked KIND FLAG SPARE SCENARIO...: a twentieth of the peers
checked() {
    kind=$1 flag=$2 good=0 LOAD_SPARE=$3
    shift 3
    export LOAD_SPARE
    if ! objects "$work/$kind" "$flag" || ! compile "$work/$kind/server.o" $load/server.c "$flag" ||
        ! linked "server-$kind" "$flag" "$work/counts.o" "$work/$kind"/*.o; then
        echo "not ok - load with the $kind sanitizer: it does not build"
        return
    fi
    for scenario; do
        timeout -k 10 200 "$work/attack" "$kind sanitizer" 5 "$work/counts" "$scenario" "$work/server-$kind" \
            >"$work/out" 2>"$work/err" </dev/null
        good=$((good + $(grep -c "^ok" "$work/out")))
        grep '^not ok' "$work/out"
        [ ! -s "$work/err" ] || echo "not ok - load, $scenario, with the $kind sanitizer: $(first "$work/err")"
    done
    echo "ok - load: $good scenarios with the $kind sanitizer"
    unset LOAD_SPARE
}
sanitize() {
    system clang
    if ! installed; then
        echo 'skip - load with sanitizers: missing clang'
        return
    fi
    export ASAN_OPTIONS=quarantine_size_mb=0:thread_local_quarantine_size_kb=0
    checked address -fsanitize=address,undefined 512 all
    checked thread -fsanitize=thread 20000 timers posts signals stop_posts
    system gcc
}
[ "${1-}" = breaks ] || sanitize 2>"$work/built"

# ---------------------------------------------------------------- the report
# One row for each attack on server.c; of the others those in which they differ
report() {
    echo '| attack | what was done, and found | peers | MB | waits | memory, KiB | files |'
    echo '|:--------------|:----------------------------|-------:|------:|-------:|:---------|:-----|'
    sed -n 's/^row | epoll | \(.*\)$/| \1 |/p' "$work/rows"
    sed -n 's/^row | echod | \(connections.*\|readers.*\)$/| echod: \1 |/p' "$work/rows"
    sed -n 's/^row | chat | \(.*\)$/| chat: \1 |/p' "$work/rows"
    sed -n 's/^row | model kqueue | \(connections.*\)$/| model kqueue: \1 |/p' "$work/rows"
    echo
    echo 'Memory is what is resident in the server at its start and at most; MB were echoed; files are the descriptors open' \
        'before the first client and after the last. A row without these is of a program that has no server.'
    echo
    echo "In each of these runs, in the $(grep -c '^row | echod' "$work/rows") of echod and in the" \
        "$(grep -c '^row | model' "$work/rows") on the model kqueue, every well-behaved peer got every byte back, the library" \
        'took memory once for each queue, no descriptor was left, and the program ended without an error.'
    echo
    echo "Measured $(date -u +%Y-%m-%d) by \`tests/load.sh keep\`: Linux $(uname -r | sed 's/-.*//'), $(uname -m)," \
        "$(nproc) processors, $($cc --version | sed -n '1s/ (.*) / /p'), $(awk '/open files/ { print $5 }' /proc/self/limits)" \
        'descriptors for a process. Numbers of waits differ from run to run.'
}
if [ "${1-}" = keep ]; then
    mkdir -p book/reports
    report >book/reports/load.md
fi

# ---------------------------------------------------------------- seen to fail
# broken DIRECTORY FILE EDIT: server and many, with one line changed
broken() {
    mkdir -p "$1"
    cp "$work"/epoll/*.o "$1"
    of=$library
    [ "$2" != server.c ] || of=$load
    sed "$3" "$of/$2" >"$1/$2"
    ! cmp -s "$of/$2" "$1/$2" || { echo 'the edit changes nothing'; return 1; }
    compile "$1/${2%.c}.o" "$1/$2" -w || return 1
    if [ "$2" = server.c ]; then mv "$1/server.o" "$1/../server-$(basename "$1").o"
    else
        objcopy --redefine-syms="$work/names" "$1/${2%.c}.o"
        cp "$work/server.o" "$1/../server-$(basename "$1").o"
    fi
    linked "$(basename "$1")-server" "$work/server-$(basename "$1").o" "$work/counts.o" "$1"/*.o &&
        linked "$(basename "$1")-many" "$work/many.o" "$work/counts.o" "$1"/*.o
}
# tried DIRECTORY SCENARIO: the same with 10 % of the peers, what it says is in `out`
tried() {
    case $2 in
    queues) set -- "$1" "$1-many" queues 50 ;;
    ports)  set -- "$1" "$1-many" ports 64 ;;
    *)      set -- "$1" "$work/attack" broken 10 "$1/counts" "$2" "$1-server" ;;
    esac
    out=$1/out
    shift
    timeout -k 1 30 "$@" >"$out" 2>/dev/null </dev/null
}
# notice DIRECTORY SCENARIO WORDS FILE EDIT WHAT
notice() {
    if ! why=$(broken "$1" "$4" "$5" 2>&1); then
        echo "not ok - load, seen to fail: with '$5': $why" | tr '\n' ' '
        echo
        return
    fi
    tried "$1" "$2"
    if noticed=$(grep -m 1 -e '^not ok.*'"$3" -e "^bad.*$3" -e '^skip' "$1/out"); then echo "# $6: ${noticed#*broken: }"
    else echo "not ok - load, seen to fail: although $6, there is only: $(first "$1/out")"; fi
}
export LOAD_SECONDS=4
number=0
while IFS= read -r line; do
    case $line in '#'* | '') continue ;; esac
    scenario=${line%% | *} rest=${line#* | }
    words=${rest%% | *} rest=${rest#* | }
    file=${rest%% | *} rest=${rest#* | }
    edit=${rest% | *} what=${rest##* | }
    number=$((number + 1))
    notice "$work/break$number" "$scenario" "$words" "$file" "$edit" "$what" >"$work/noticed$number" &
    [ $((number % 3)) -ne 0 ] || wait
done <$load/breaks
wait
i=0
while [ $i -lt $number ]; do
    i=$((i + 1))
    cat "$work/noticed$i"
done >"$work/noticed"
cat "$work/noticed"
grep -q '^not ok' "$work/noticed" || echo "ok - load: $number ways to break the library or the server, each noticed"
