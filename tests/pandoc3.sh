#!/bin/sh
# shellcheck disable=SC2317
# The book is the same with pandoc 3, here pandoc's build for WebAssembly, as
# with the pandoc at hand: web pages, search, EPUB, PDF.
# takes: 500
set -u
cd "$(dirname "$0")/.." || exit 1

for tool in notangle pandoc node; do
    command -v "$tool" > /dev/null || { echo "skip - pandoc 3: missing $tool"; exit 0; }
done
[ -d tests/node_modules/pandoc-wasm ] || { echo "skip - pandoc 3: missing pandoc-wasm"; exit 0; }

work=build/pandoc3
failed=0
ok() { echo "ok - $1"; }
no() { echo "not ok - $1: $2"; failed=1; }
said() { head -n 3 "$work/said" | tr '\n' '|'; }
rm -rf "$work"
mkdir -p "$work"

weave() { # FOLDER: the whole web book
    tangle/weave prepare book/preface.md book/[0-9][0-9]-*.md || return 1
    for page in $(tangle/weave list); do
        file=$page
        [ "$page" != preface ] || file=index
        tangle/weave page "$page" "$1/$file.html" || return 1
    done
    tangle/weave whole "$1/book.html" && tangle/weave search "$1/search-index.js"
}

try() { # NAME COMMAND...: it does its work and has nothing to say
    name=$1
    shift
    if "$@" > "$work/said" 2>&1 && [ ! -s "$work/said" ]; then ok "$name"; else no "$name" "$(said)"; return 1; fi
}

# --- the pandoc at hand, then pandoc 3 -----------------------------------------

WEAVE=$work/weave
export WEAVE
try "$(pandoc --version | sed 1q) weaves the book" weave "$work/web" || exit 1
try 'and makes the EPUB' tangle/print epub "$work/book.epub"

PATH=$PWD/tests/pandoc3:$PATH
WEAVE=$work/weave3
version=$(pandoc --version | sed 1q)
case $version in
    'pandoc 3.'*) ok "the other one is $version" ;;
    *) no 'the other one is pandoc 3' "$version"; exit 1 ;;
esac
try "$version weaves the book" weave "$work/web3" || exit 1
node tests/pandoc3/compare.mjs "$work/web" "$work/web3" || failed=1
if cmp "$work/web/search-index.js" "$work/web3/search-index.js" > "$work/said" 2>&1; then ok 'the search finds the same'
else no 'the search finds the same' "$(said)"; fi

# --- not only pages --------------------------------------------------------------

labels() { # EPUB: what the book itself labels, and in which file
    unzip -o -q -d "$1.d" "$1"
    (cd "$1.d" && grep -r -o -E ' id="(chunk|fig|tab|exr)-[^"]*"' --include '*.xhtml' . | sort)
}

try "$version makes the EPUB" tangle/print epub "$work/book3.epub"
if ! command -v unzip > /dev/null; then echo 'skip - and its labels are the same: missing unzip'
elif [ -s "$work/book.epub" ] && [ -s "$work/book3.epub" ]; then
    labels "$work/book.epub" > "$work/labels"
    labels "$work/book3.epub" > "$work/labels3"
    if [ -s "$work/labels" ] && diff "$work/labels" "$work/labels3" > "$work/said"; then ok 'and its labels are the same'
    else no 'and its labels are the same' "$(said)"; fi
fi

if ! command -v lualatex > /dev/null; then echo 'skip - pandoc 3 makes the PDF: missing lualatex'
elif ! command -v rsvg-convert > /dev/null; then echo 'skip - pandoc 3 makes the PDF: missing rsvg-convert'
else try "$version makes the PDF" tangle/print pdf "$work/book3.pdf"
fi
exit $failed
