#!/bin/sh
# shellcheck disable=SC2015  # an assignment before || does not fail
# The library as other programs get it: from the sources, in one file, installed
# and found by pkg-config and CMake, from C and C++. Works on a copy of the tree,
# without noweb.
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
top=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/install.XXXXXX")
server=''
started=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; [ -z "$started" ] || wine_stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR PREFIX LIBDIR INCLUDEDIR
ls generated/src/*.c >/dev/null 2>&1 || { echo 'not ok - install: there is no library in generated/src'; exit 1; }

# report NAME: nothing in $work/said is good
report() {
    if [ -s "$work/said" ]; then echo "not ok - $1: $(head -n 3 "$work/said" | tr '\n' ' ')"
    else echo "ok - $1"
    fi
}
quietly() { "$@" >"$work/said" 2>&1 || echo "status $?: $*" >>"$work/said"; }

# A PATH with everything but noweb
mkdir "$work/path" "$work/tree"
for folder in /usr/local/bin /usr/bin /bin; do
    for tool in "$folder"/*; do
        case ${tool##*/} in notangle | noweb | noroots) continue ;; esac
        [ -e "$work/path/${tool##*/}" ] || ln -s "$tool" "$work/path/${tool##*/}"
    done
done
tar cf - --exclude ./build --exclude ./.git --exclude node_modules . | (cd "$work/tree" && tar xf -)
cd "$work/tree" || exit 1
make() { PATH=$work/path command make --no-print-directory "$@"; }
# The first says that noweb is missing; what comes then is quiet
make amalgamation >/dev/null 2>&1 && : >build/tangled-0

# --- a program: it asks an echo server, in what both C and C++ read -------------

cat >"$work/ask.c" <<'C'
#include <minimio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mio_queue *queue;
static mio_op op, *done;

static int64_t result(int refused)
{
    return refused != 0 ? refused : mio_queue_wait(queue, &done, 1, 10 * INT64_C(1000000000)) == 1 ? done->result : -100;
}

int main(int argc, char **argv)
{
    mio_socket s;
    mio_address a;
    char text[8] = "";
    memset(&s, 0, sizeof s);
    if (argc < 2 || mio_queue_open(&queue, NULL) != 0 || mio_address_parse(&a, "127.0.0.1", atoi(argv[1])) != 0
            || mio_socket_open(&s, MIO_IPV4, MIO_STREAM) != 0)
        return 1;
    if (result(mio_connect(queue, &op, &s, &a)) != 0 || result(mio_send_all(queue, &op, &s, "hello", 5)) != 5
            || result(mio_receive(queue, &op, &s, text, 7)) != 5 || result(mio_socket_close(queue, &op, &s)) != 0)
        return 2;
    if (mio_queue_shutdown(queue) != 0 || mio_queue_wait(queue, &done, 1, -1) != MIO_ESHUTDOWN || mio_queue_close(queue) != 0)
        return 3;
    puts(text);
    return 0;
}
C
cp "$work/ask.c" "$work/ask.cpp"

# hears WORDS COMMAND...: does it hear the echo? What built it was quiet
hears() {
    words=$1
    shift
    [ -s "$work/said" ] || { "$@" "$port" >"$work/out" 2>&1 </dev/null || echo "status $?: $*" >>"$work/said"
        [ "$(tr -d '\r' <"$work/out")" = hello ] || head -n 2 "$work/out" >>"$work/said"; }
    report "$words"
}

# serve COMMAND...: start a server; its port is in $port
serve() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    : >"$work/listening"
    "$@" >"$work/listening" 2>&1 </dev/null &
    server=$!
    tries=0
    until [ -s "$work/listening" ] || [ "$tries" -eq 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    port=$(tr -d '\r' <"$work/listening" | sed -n 's/.*:\([0-9]*\)$/\1/p')
}

# there: can the system build here, and run what it built?
there() {
    if ! installed; then why="missing ${need##*/}"
    elif [ -n "$run" ] && ! command -v "$run" >/dev/null; then why="missing ${run##*/}"
    else return 0
    fi
    return 1
}

# --- from the sources -----------------------------------------------------------

# shellcheck disable=SC2086
quietly ${CC:-cc} $cflags -Igenerated/include generated/examples/echo_small.c generated/src/*.c -pthread -o "$work/server"
report 'the example and the sources, with one line'
serve "$work/server"
[ -n "$port" ] || { echo "not ok - the example runs: $(head -n 2 "$work/listening")"; exit 1; }
# shellcheck disable=SC2086
quietly ${CC:-cc} $cflags -Igenerated/include "$work/ask.c" generated/src/*.c -pthread -o "$work/ask"
hears 'a program of the sources and its own runs' "$work/ask"
case $systems in
here) ;;
*)
    system windows
    if ! there; then echo "skip - the example and the sources, with one line, $title: $why"
    else
        cd "$top" && wine_start && cd "$work/tree" && started=1
        # shellcheck disable=SC2086
        quietly $cc $cflags -Igenerated/include generated/examples/echo_small.c generated/src/*.c $libs -o "$work/server$exe"
        report "the example and the sources, with one line, $title"
        serve "$run" "$work/server$exe"
        hears "a program of this system hears it, $title" "$work/ask"
        serve "$work/server"
    fi ;;
esac

# --- in one file ------------------------------------------------------------------

quietly make amalgamation
[ "$(ls build/amalgamation)" = "$(printf 'minimio.c\nminimio.h')" ] || ls build/amalgamation >>"$work/said"
report 'make amalgamation makes two files, quietly'
grep -n -e 'book/' -e '# *include "' build/amalgamation/* | grep -v '#include "minimio.h"' >"$work/said"
grep -q 'Permission is hereby granted' build/amalgamation/minimio.c && grep -q 'Permission is hereby granted' build/amalgamation/minimio.h ||
    echo 'without the licence' >>"$work/said"
report 'they include nothing of ours but the header, carry the licence, and name no path'
# Without comments and blank lines the header is the same
code() { "${CC:-cc}" -fpreprocessed -dD -E -P "$1" 2>/dev/null; }
code build/amalgamation/minimio.h >"$work/one" && code generated/include/minimio.h >"$work/two"
diff "$work/one" "$work/two" >"$work/said"
[ -s "$work/one" ] || echo 'nothing to compare' >"$work/said"
report 'their header is the header'
for name in $systems; do
    cd "$top" || exit 1
    system "$name"
    if ! installed; then echo "skip - in one file, $title: missing ${need##*/}"; continue; fi
    # shellcheck disable=SC2086
    quietly $cc $cflags -c -o "$work/one.o" "$work/tree/build/amalgamation/minimio.c"
    report "in one file, without a warning, $title"
    case $run in none) continue ;; esac
    if ! there; then echo "skip - a program with it runs, $title: $why"; continue; fi
    # shellcheck disable=SC2086
    quietly $cc $cflags -I"$work/tree/build/amalgamation" -o "$work/ask$exe" "$work/ask.c" "$work/one.o" $libs
    # In a static program glibc's getaddrinfo needs shared libraries after all, and the linker says so
    grep -v -e "in function .look_up'" -e "Using 'getaddrinfo' in statically linked" "$work/said" >"$work/left"
    mv "$work/left" "$work/said"
    # shellcheck disable=SC2086
    hears "a program with it runs, $title" $run "$work/ask$exe"
    case $name in
    windows)
        # shellcheck disable=SC2086
        quietly $cc $cflags -I"$work/tree/build/amalgamation" -o "$work/one$exe" generated/examples/echo_small.c "$work/one.o" $libs
        serve "$run" "$work/one$exe"
        hears "the example with it runs, $title" "$run" "$work/ask$exe"
        serve "$work/server" ;;
    esac
    [ -n "$model" ] && [ -z "$run" ] || continue
    # shellcheck disable=SC2086
    quietly $cc $cflags -DMIO_KQUEUE -I"$model" -I"$work/tree/build/amalgamation" -o "$work/ask" "$work/ask.c" \
        "$work/tree/build/amalgamation/minimio.c" "$model/kqueue.c" $libs
    hears "and on the model of kqueue, $title" "$work/ask"
done
cd "$work/tree" || exit 1

# --- installed: the files, and what the shared library exports --------------------

functions() { sed -n 's/^[a-z].*[ *]\(mio_[a-z_]*\)(.*/\1/p' generated/include/minimio.h | LC_ALL=C sort -u; }
# installed FOLDER NAME: these files and no others
installed_files() {
    (cd "$1" && find . ! -type d) | LC_ALL=C sort >"$work/files"
    printf './usr/%s\n' include/minimio.h lib/libminimio.a "lib/$2" "lib/$3" lib/pkgconfig/minimio.pc \
        lib/cmake/minimio/minimioConfig.cmake lib/cmake/minimio/minimioConfigVersion.cmake |
        LC_ALL=C sort | diff - "$work/files"
}
# Symbols of the linker's, not of a source, are in every library for macOS
exported() {
    "$@" 2>&1 | awk '$2 ~ /^[A-Za-z]$/ && NF == 3 { print $3 }' | sed 's/^_\(_*mio_\)/\1/' |
        grep -v -x -e '__mh_dylib_header' -e '___dso_handle' | LC_ALL=C sort | diff - "$work/functions"
}
functions >"$work/functions"
[ "$(wc -l <"$work/functions")" -ge 40 ] || echo "not ok - the header declares $(wc -l <"$work/functions") functions"

# package NAME KERNEL LIBRARY LINK NM...
package() {
    system "$1"
    name=$1 kernel=$2 library=$3 link=$4
    shift 4
    if ! installed; then echo "skip - make install, $title: missing ${need##*/}"; return; fi
    quietly make install CC="$cc" KERNEL="$kernel" PACKAGE="$work/package-$name" DESTDIR="$work/dest-$name" PREFIX=/usr LDFLAGS="${LDFLAGS-}"
    [ -s "$work/said" ] || installed_files "$work/dest-$name" "$library" "$link" >"$work/said"
    report "make install makes its files and no others, quietly, $title"
    if command -v "$1" >/dev/null; then
        exported "$@" "$work/dest-$name/usr/lib/$library" >"$work/said"
        report "the shared library exports the header's functions and nothing else, $title"
    else echo "skip - what the shared library exports, $title: missing $1"
    fi
    quietly make uninstall KERNEL="$kernel" DESTDIR="$work/dest-$name" PREFIX=/usr
    (cd "$work/dest-$name" && find . ! -type d -o -name minimio) >>"$work/said"
    report "make uninstall leaves no file, $title"
}
case $systems in
here)
    case $(uname -s) in
    Darwin) package here Darwin libminimio.1.dylib libminimio.dylib nm -gU ;;
    *) package here "$(uname -s)" libminimio.so.1 libminimio.so nm -D --defined-only ;;
    esac ;;
*)
    package gcc Linux libminimio.so.1 libminimio.so nm -D --defined-only
    if command -v ld.lld >/dev/null; then
        LDFLAGS=-fuse-ld=lld package clang Linux libminimio.so.1 libminimio.so nm -D --defined-only
    else echo 'skip - make install, clang and lld: missing ld.lld'
    fi
    package arm64 Linux libminimio.so.1 libminimio.so nm -D --defined-only
    package freebsd FreeBSD libminimio.so.1 libminimio.so nm -D --defined-only
    package macos-arm64 Darwin libminimio.1.dylib libminimio.dylib llvm-nm -gU ;;
esac

# --- installed: found by pkg-config ------------------------------------------------

prefix=$work/usr
quietly make install PREFIX="$prefix"
report 'make install into a prefix of its own'
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib" DYLD_LIBRARY_PATH="$prefix/lib"
needs_shared() { # PROGRAM: does it?
    ! command -v readelf >/dev/null || readelf -d "$1" | grep -q 'NEEDED.*libminimio.so.1'
}
if command -v pkg-config >/dev/null; then
    # shellcheck disable=SC2046,SC2086
    quietly ${CC:-cc} $cflags "$work/ask.c" -o "$work/ask" $(pkg-config --cflags --libs minimio)
    needs_shared "$work/ask" || echo 'does not use the shared library' >>"$work/said"
    hears 'by pkg-config, with the shared library' "$work/ask"
    # shellcheck disable=SC2046,SC2086
    quietly ${CC:-cc} $cflags "$work/ask.c" -o "$work/ask" $(pkg-config --cflags minimio) \
        "$(pkg-config --variable=libdir minimio)/libminimio.a" $(pkg-config --static --libs-only-other minimio)
    ! needs_shared "$work/ask" || echo 'uses the shared library' >>"$work/said"
    hears 'by pkg-config, with the static library' "$work/ask"
    if command -v nm >/dev/null; then
        nm "$work/ask" | grep -e getaddrinfo -e mio_pool >"$work/said"
        report 'a program without a pool is linked without one'
    fi
    cp "$work/ask" "$work/ask.static"
    if command -v c++ >/dev/null; then
        # shellcheck disable=SC2046
        quietly c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror "$work/ask.cpp" -o "$work/ask" $(pkg-config --cflags --libs minimio)
        hears 'from C++' "$work/ask"
    else echo 'skip - from C++: missing c++'
    fi
    [ "$(pkg-config --modversion minimio)" = "$(sed -n 's/^#define MIO_VERSION *\([0-9]*\).*/\1/p' generated/include/minimio.h)" ] &&
        : >"$work/said" || pkg-config --modversion minimio >"$work/said" 2>&1
    report "pkg-config's version is MIO_VERSION"
else echo 'skip - found by pkg-config: missing pkg-config'
fi

# --- installed: found by CMake ------------------------------------------------------

cmake_project() { # TARGET VERSION
    rm -rf "$work/cmake"
    mkdir "$work/cmake"
    cp "$work/ask.c" "$work/cmake"
    cat >"$work/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(ask C)
find_package(minimio $2 REQUIRED)
add_executable(ask ask.c)
target_link_libraries(ask $1)
END
    cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$3" >"$work/cmake/log" 2>&1 &&
        cmake --build "$work/cmake/build" >>"$work/cmake/log" 2>&1
}
if command -v cmake >/dev/null; then
    for target in minimio::minimio minimio::static; do
        : >"$work/said"
        cmake_project $target 1 "$prefix" || grep -A 3 -m 1 -i error "$work/cmake/log" >"$work/said"
        case $target in
        *static) ! needs_shared "$work/cmake/build/ask" || echo 'uses the shared library' >>"$work/said" ;;
        *) needs_shared "$work/cmake/build/ask" || echo 'does not use the shared library' >>"$work/said" ;;
        esac
        hears "by CMake, $target" "$work/cmake/build/ask"
    done
    : >"$work/said"
    ! cmake_project minimio::minimio 2 "$prefix" && grep -q 'not accepted\|compatible' "$work/cmake/log" ||
        echo 'found, or another complaint' >"$work/said"
    report 'CMake does not take it for another version'
    quietly make install DESTDIR="$work/moved"
    cmake_project minimio::static 1 "$work/moved/usr/local" || grep -A 3 -m 1 -i error "$work/cmake/log" >>"$work/said"
    hears 'by CMake, below DESTDIR' "$work/cmake/build/ask"
else echo 'skip - found by CMake: missing cmake'
fi

# --- the rest of make -----------------------------------------------------------------

cp "$prefix/lib/libminimio.a" "$work/before.a"
quietly make install PREFIX="$prefix" CPPFLAGS=-DMIO_CHECKED
! cmp -s "$prefix/lib/libminimio.a" "$work/before.a" || echo 'the objects are the old ones' >>"$work/said"
report 'with other flags the library is built again'
if make install PREFIX=usr >"$work/said" 2>&1; then echo 'installed' >"$work/said"
elif grep -q "'usr' does not begin with /" "$work/said"; then : >"$work/said"
fi
report 'a prefix that is not absolute is refused, with the reason'
quietly make uninstall PREFIX="$prefix"
(cd "$prefix" && find . ! -type d -o -name minimio) >>"$work/said"
report 'make uninstall leaves no file'

# --- what the book says, word for word ---------------------------------------------------

# The listings of a language in the section on building, and nothing else
listings() {
    awk -v language="$1" '/^## / { inside = /\{#into-your-program\}/ } !inside { next }
        /^```/ { if (open) print ""; open = $0 == "```" language; next } open' "$top/book/90-using-minimio.md"
}
if command -v cmake >/dev/null && command -v pkg-config >/dev/null; then
    listings console >"$work/script"
    listings cmake >CMakeLists.txt
    unset PKG_CONFIG_PATH
    export LD_LIBRARY_PATH="$work/home/minimio/lib"
    mkdir "$work/home"
    { HOME=$work/home PATH=$work/path sh -eu "$work/script"; } >"$work/log" 2>&1 && : >"$work/said" || tail -n 3 "$work/log" >"$work/said"
    grep -i -E 'warning|error' "$work/log" >>"$work/said"
    [ "$(grep -c . "$work/script")" -ge 10 ] && [ -x build/cmake/echo ] || echo "$(grep -c . "$work/script") lines" >>"$work/said"
    report 'what Appendix A says of building is done as it says'
    for program in ./echo build/cmake/echo; do
        serve $program
        [ -n "$port" ] && : >"$work/said" || cp "$work/listening" "$work/said"
        hears "and $program runs" "$work/ask.static"
    done
else echo 'skip - what Appendix A says of building: missing cmake'
fi
