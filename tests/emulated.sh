#!/bin/sh
# What the book records of its programs for Linux is the same on the machines that qemu-user is: 32 bits,
# big-endian, another structure of epoll. (A program under strace is not one that qemu runs.) And what it records of
# the programs on the library that belong to no system is the same on Windows, under Wine
# takes: 180
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/emulated.XXXXXX")
trap '[ -z "${WINE_KEPT-}" ] || wine_stop; rm -rf "$work"' EXIT

# These differ, and the book says how: their recordings on arm64 or s390x are compared by recorded.sh.
# The layout of epoll_event is their subject, and qemu has no epoll_pwait2
differ=' epoll_layout epoll_mispacked epoll_spin '

for_linux() {   # NAME: does its command run a program of the folders epoll and linux?
    ! grep -q -e '^# on:' -e strace "book/recorded/$1.cmd" || return 1
    for word in $(grep -v '^#' "book/recorded/$1.cmd" | tr -c 'a-z0-9_' ' '); do
        for folder in generated/*/epoll generated/*/linux; do [ ! -e "$folder/$word.c" ] || return 0; done
    done
    return 1
}

make -s tangle >"$work/said" 2>&1 || { echo "not ok - the programs build: $(head -n 1 "$work/said")"; exit 1; }
for name in $systems; do
    system "$name"
    case $run in qemu-*) ;; *) continue ;; esac
    for need in "$need" "$run"; do installed || break; done
    if ! installed; then echo "skip - recorded, $title: missing ${need##*/}"; continue; fi
    for file in book/recorded/*.cmd; do
        recorded=$(basename "$file" .cmd)
        case $differ in *" $recorded "*) continue ;; esac
        for_linux "$recorded" || continue
        if RECORD_ON=$name tangle/record -n "$recorded" >"$work/said" 2>&1 && ! grep -q 'skipped: ' "$work/said"; then
            echo "ok - recorded, $title: $recorded"
        else echo "not ok - recorded, $title: $recorded: $(head -n 12 "$work/said" | tr '\n' '|')"
        fi
    done
done

# These may differ there: what the system says of a connection that is gone, when a first datagram is there, and in
# which order what is cancelled comes back. And Windows has no room for the half megabyte of arguments of chat_slow
differ=' reset_twice zero_timers ctrl_c chat_slow '

for_windows() { # NAME: does its command run a program on the library, and none of some systems only?
    ! grep -q -e '^# on:' -e strace "book/recorded/$1.cmd" || return 1
    on_it=''
    for word in $(grep -v '^#' "book/recorded/$1.cmd" | tr -c 'a-z0-9_' ' '); do
        for file in generated/examples/"$word".c generated/labs/"$word".c; do
            [ ! -e "$file" ] || ! grep -q '"minimio.h"' "$file" || grep -q '^int mio_queue_open(' "$file" || on_it=1
        done
        for file in generated/examples/*/"$word".c generated/labs/*/"$word".c; do
            if [ -e "$file" ] && ! belongs "${file#generated/}"; then return 1; fi
        done
    done
    [ -n "$on_it" ]
}

case $systems in here) echo 'skip - recorded elsewhere: no other system runs here'; exit 0 ;; esac
system windows
if ! installed; then echo "skip - recorded, $title: missing $need"
elif [ ! -x "$run" ]; then echo "skip - recorded, $title: missing wine64"
else
    wine_start
    export WINE_KEPT=1
    for file in book/recorded/*.cmd; do
        recorded=$(basename "$file" .cmd)
        case $differ in *" $recorded "*) continue ;; esac
        system windows
        for_windows "$recorded" || continue
        if RECORD_ON=windows tangle/record -n "$recorded" >"$work/said" 2>&1 && ! grep -q 'skipped: ' "$work/said"; then
            echo "ok - recorded, $title: $recorded"
        else echo "not ok - recorded, $title: $recorded: $(head -n 12 "$work/said" | tr '\n' '|')"
        fi
    done
fi
