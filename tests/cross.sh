#!/bin/sh
# The programs on the other systems that can run here, and under the sanitizers:
# delayd takes port 0 and says which it got; fan's five answers come in the same order everywhere
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/cross.XXXXXX")
server=''
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    [ -z "${windows-}" ] || wine_stop
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

build() {       # FOLDER [FLAG...]: the programs that exist on the system; sets fans
    folder=$1 fans=''
    shift
    mkdir -p "$folder"
    for file in generated/examples/delayd.c generated/examples/fan_*.c generated/examples/*/fan_*.c; do
        if [ ! -e "$file" ] || ! belongs "${file#generated/}"; then continue; fi
        program=$(basename "$file" .c)
        [ "$program" = delayd ] || fans="$fans $program"
        with=$(with_model "${file#generated/}")
        # shellcheck disable=SC2046,SC2086
        $cc $cflags -g "$@" -Igenerated/include -Igenerated/examples $with -o "$folder/$program$exe" "$file" ${with:+$model/kqueue.c} \
            $(find generated/examples/common -name '*.c' 2>/dev/null) $libs || return 1
    done
}

# Times differ from run to run, the order and the rest do not
order() { tr -d '\r' | sed 's/ *[0-9][0-9]* ms/ N ms/g'; }

# serve FOLDER WORDS: start delayd; its port is in $port, its messages in $work/server
serve() {
    : >"$work/server"
    # shellcheck disable=SC2086
    timeout -k 10 120 $run "$1/delayd$exe" 0 >"$work/server" 2>&1 </dev/null &
    server=$!
    tries=0
    until grep -q ':[0-9][0-9]*' "$work/server" || [ "$tries" -eq 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    port=$(tr -d '\r' <"$work/server" | sed -n '1s/.*:\([0-9][0-9]*\)[^0-9]*$/\1/p')
    if [ -n "$port" ]; then echo "ok - delayd gets a port, $2"
    else echo "not ok - delayd gets a port, $2: $(head -n 3 "$work/server" | tr '\n' ' ')"
    fi
}

# ask FOLDER WORDS: each fan's five answers, in the order of the first system
ask() {
    folder=$1 words=$2
    for program in $fans; do
        # shellcheck disable=SC2086
        timeout 60 $run "$folder/$program$exe" "$port" >"$work/out" 2>"$work/err" </dev/null
        status=$?
        order <"$work/out" >"$work/order.$program"
        case $program in
        fan_blocking) first=$work/first.blocking ;;    # the order of asking
        *) first=$work/first ;;                         # the order of the delays
        esac
        [ -e "$first" ] || cp "$work/order.$program" "$first"
        if [ "$status" -ne 0 ] || [ -s "$work/err" ]; then
            echo "not ok - $program, $words: status $status: $(head -n 3 "$work/err" | tr '\n' ' ')"
        elif [ "$(wc -l <"$work/out")" -ne 5 ]; then
            echo "not ok - $program, $words: $(wc -l <"$work/out") lines, not five"
        elif ! cmp -s "$work/order.$program" "$first"; then
            echo "not ok - $program, $words: another order: $(tr '\n' ';' <"$work/out")"
        else
            echo "ok - $program, $words"
        fi
    done
}

stop() {        # [WORDS]: end delayd; a sanitizer's report would be in its messages
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=''
    ! grep -q -E 'ERROR: |WARNING: |runtime error' "$work/server" ||
        echo "not ok - delayd, $1: $(grep -E -A 4 'ERROR|WARNING|runtime error' "$work/server" | tr '\n' ' ')"
}

for name in $systems; do
    system "$name"
    case $run in none) continue ;; esac
    if ! installed; then echo "skip - programs on $title: missing ${need##*/}"; continue; fi
    if [ -n "$run" ] && ! command -v "$run" >/dev/null; then
        echo "skip - programs on $title: missing ${run##*/}"
        continue
    fi
    if ! build "$work/$name" 2>"$work/err"; then
        echo "not ok - programs build for $title: $(head -n 3 "$work/err" | tr '\n' ' ')"
        continue
    fi
    case $name in windows) windows=1; wine_start ;; esac
    serve "$work/$name" "$title"
    ask "$work/$name" "$title"
    stop "$title"
done

# sanitized COMPILER WORDS FLAG...
sanitized() {
    system "$1"
    words=$2
    shift 2
    if ! installed; then echo "skip - programs with $words: missing $need"; return; fi
    if ! build "$work/sanitized" "$@" 2>"$work/err"; then
        echo "not ok - programs build with $words: $(head -n 3 "$work/err" | tr '\n' ' ')"
        return
    fi
    serve "$work/sanitized" "$words"
    ask "$work/sanitized" "$words"
    stop "$words"
}
case $systems in
here) ;;
*)
    sanitized clang 'address and undefined-behaviour sanitizers' -fsanitize=address,undefined -fno-sanitize-recover=all
    sanitized clang 'thread sanitizer' -fsanitize=thread ;;
esac
