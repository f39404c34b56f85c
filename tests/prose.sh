#!/bin/sh
# prose.sh - the words of the book: spelling, length, filler, and promises
#
#   tests/prose.sh [ROOT]
#
# ROOT is the repository, or a folder that looks like one. tests/words.txt holds
# the words that aspell does not know and we use.
set -u
LC_ALL=C.UTF-8; export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$here/..}
cd "$root" || exit 2
work=$(mktemp -d "${TMPDIR:-/tmp}/prose.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0

report() {          # report NAME: every line of the file $work/bad is a fault
    if [ -s "$work/bad" ]; then
        while IFS= read -r line; do echo "not ok - $1: $line"; done < "$work/bad"
        failures=$((failures + 1))
    else
        echo "ok - $1"
    fi
}

# FILE:LINE: text, without code, link targets, citations and attributes; what
# a reader hears instead of a picture (alt) and what a block is called (title,
# q) is text too. count=1 leaves out the text alternatives and the solutions,
# which are folded away.
prose() {
    awk -v count="$1" '
    function attribute(name, line,    text) {
        if (!match(line, name "=\"[^\"]*\"")) return ""
        text = substr(line, RSTART + length(name) + 2, RLENGTH - length(name) - 3)
        return " " text
    }
    FNR == 1 { fence = ""; folded = 0 }
    fence != "" { if (index($0, fence) == 1 && $0 ~ /^(```+|~~~+) *$/) fence = ""; next }
    match($0, /^(```+|~~~+)/) { fence = substr($0, 1, RLENGTH); next }
    /^\|[-:| ]+\|$/ { next }
    count && /^:::+ *(solution|\{\.solution)/ { folded = 1 }
    folded { if ($0 ~ /^:::+ *$/) folded = 0; next }
    {
        line = $0
        more = attribute("title", line) attribute("q", line) attribute("caption", line)
        if (!count) more = more attribute("alt", line)
        gsub(/`[^`]*`/, " ", line)
        gsub(/\[[^][]*\]\{\.chunk\}/, " ", line)
        gsub(/\{[^}]*\}/, " ", line)
        gsub(/\]\([^)]*\)/, "] ", line)
        gsub(/https?:[^ )>]*/, " ", line)
        gsub(/\[\^[^]]*\]:?/, " ", line)
        gsub(/@[A-Za-z][A-Za-z0-9_-]*/, " ", line)
        gsub(/^:::+ *[a-z]*/, " ", line)
        gsub(/[|*#!\[\]]/, " ", line)
        print FILENAME ":" FNR ":" line more
    }' "$2"
}

for file in book/*.md README.md; do
    [ -f "$file" ] || continue
    prose 0 "$file"
done > "$work/prose"

# --- spelling ----------------------------------------------------------------
if command -v aspell > /dev/null; then
    sed "s/^[^:]*:[0-9]*://" "$work/prose" |
        aspell --lang=en --encoding=utf-8 list | sed "s/'s\$//" | sort -u |
        grep -vixF -f "$here/words.txt" > "$work/unknown" || true
    : > "$work/bad"
    while IFS= read -r word; do
        grep -m 1 -w -e "$word" "$work/prose" |
            sed "s/^\\([^:]*:[0-9]*\\):.*/\\1: '$word': a misspelling, or a word for tests\\/words.txt/"
    done < "$work/unknown" >> "$work/bad"
    report "spelling"
else
    echo "skip - spelling: aspell is not installed"
fi

# --- length: a numbered chapter has 1,500 to 2,500 words, chapter 0 and an appendix at most 1,500
: > "$work/bad"
for file in book/[0-9][0-9]-*.md; do
    [ -f "$file" ] || continue
    words=$(prose 1 "$file" | sed 's/^[^:]*:[0-9]*://' | tr -s '[:blank:]' '\n' | grep -c '[[:alpha:]]')
    case $file in
        book/00-*) low=300 high=1500 ;;
        book/9*)   low=300 high=1500 ;;
        *)         low=1500 high=2500 ;;
    esac
    if [ "$words" -lt $low ] || [ "$words" -gt $high ]; then
        echo "$file:1: $words words of prose; it should have $low to $high" >> "$work/bad"
    fi
done
report "length of the chapters"

# --- filler --------------------------------------------------------------------
grep -n -i -w -E 'simply|just|obviously|basically|of course' "$work/prose" |
    sed 's/^[0-9]*:\([^:]*:[0-9]*\):.*$/\1: simply, just, obviously, basically, of course: say it without/' \
    > "$work/bad"
report "no filler words"

# --- promises: a chapter named by number or by file exists ------------------------
: > "$work/bad"
for file in README.md book/preface.md; do
    [ -f "$file" ] || continue
    grep -n -o -i -E 'chapters? [0-9]+|book/[0-9][0-9]-[a-z0-9-]+\.md' "$file" |
    while IFS=: read -r line what; do
        case $what in
            book/*) path=$what ;;
            *)      path=$(printf 'book/%02d-*.md' "${what##* }") ;;
        esac
        # shellcheck disable=SC2086 # the pattern is meant to expand
        set -- $path
        [ -f "$1" ] || echo "$file:$line: promises $what, and there is none"
    done
done >> "$work/bad"
report "no chapter promised that does not exist"

# --- the checks themselves, each on a book that breaks its rule --------------------
if [ $# -eq 0 ]; then
    mkdir -p "$work/bad-book/book"
    {
        echo '# Bad {#bad}'
        echo 'A mispelled word, and simply one too many.'
    } > "$work/bad-book/book/01-bad.md"
    echo 'Read Chapter 7 of it.' > "$work/bad-book/book/preface.md"
    sh "$here/prose.sh" "$work/bad-book" > "$work/said" 2>&1 || true
    : > "$work/bad"
    for expected in \
        "spelling: book/01-bad.md:2: 'mispelled'" \
        "length of the chapters: book/01-bad.md:1: " \
        "no filler words: book/01-bad.md:2: " \
        "no chapter promised that does not exist: book/preface.md:1: promises Chapter 7"; do
        command -v aspell > /dev/null || case $expected in spelling*) continue ;; esac
        grep -q -F "not ok - $expected" "$work/said" ||
            echo "tests/prose.sh:1: a bad book passes; expected: $expected" >> "$work/bad"
    done
    report "prose.sh finds each fault in a bad book"
fi

[ $failures -eq 0 ]
