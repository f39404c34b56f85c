#!/bin/sh
# shellcheck disable=SC2015  # an assignment before || does not fail
# The book on paper and for a reader: set cleanly, found again, the same each time.
# takes: 110
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/print.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
ok() { echo "ok - $1"; }
no() { echo "not ok - $1: $2"; failed=1; }
check() { # NAME WRONG: nothing wrong is right
    if [ -z "$2" ]; then ok "$1"; else no "$1" "$(printf '%s' "$2" | head -n 3 | tr '\n' '|')"; fi
}
for tool in notangle pandoc rsvg-convert lualatex pdftotext java unzip; do
    command -v $tool > /dev/null || { echo "skip - the PDF and the EPUB: missing $tool"; exit 0; }
done
[ -e /usr/share/java/epubcheck.jar ] || { echo "skip - the PDF and the EPUB: missing epubcheck"; exit 0; }

# What an earlier commit made carries its date and version.
rm -f build/book.pdf build/book.epub
make -s pdf epub > "$work/said" 2>&1
status=$?
if [ $status = 0 ] && [ ! -s "$work/said" ]; then ok "make pdf epub is quiet"
else no "make pdf epub is quiet" "$(head -n 2 "$work/said" | tr '\n' '|')"; fi
[ $status = 0 ] || exit 1

# --- PDF -----------------------------------------------------------------------

log=build/weave/pdf/book.log
check "no line is wider than the page by a point" "$(grep -E '^Overfull .hbox \(([1-9]|[0-9]{2,})' $log)"
check "no character is missing from a font" "$(grep 'Missing character' $log)"
check "no reference is undefined" "$(grep -iE 'undefined (reference|control)|There were undefined|Rerun to get' $log)"
check "fonts are embedded, and none is a bitmap" "$(pdffonts build/book.pdf | awk 'NR > 2 && (/Type 3/ || $(NF - 4) != "yes")')"
pdfinfo build/book.pdf > "$work/info"
missing=
for field in Title Author Keywords Subject; do grep -q "^$field: *[^ ]" "$work/info" || missing="$missing $field"; done
check "the PDF says what it is" "$missing"
bookmarks=$(pdftohtml -xml -stdout -i build/book.pdf 2> /dev/null | grep -c '<item')
[ "${bookmarks:-0}" -ge 15 ] && wrong='' || wrong="$bookmarks bookmarks"
check "bookmarks lead to chapters and sections" "$wrong"

pdftohtml -xml -stdout -i build/book.pdf 2> /dev/null | awk '
    /<item.*Part 1\./ { part = NR } part && NR == part + 2 && /<item[^>]*>1 / { in_part = 1 }
    /<item.*Bibliography/ { if (depth == 1) outside = 1 }
    /<outline>/ { depth++ } /<\/outline>/ { depth-- }
    END { exit !(in_part && outside) }' && wrong='' || wrong="chapter 1 is not in part 1, or the bibliography is in a part"
check "bookmarks hold the chapters in their parts" "$wrong"

pdftotext -layout build/book.pdf "$work/text"
grep -q 'read the port argument⟩ *[0-9]' "$work/text" && wrong='' || wrong="no page behind ⟨read the port argument⟩"
check "a chunk's use says its page" "$wrong"
# A caption is a line with a chunk's name in brackets and a file and line.
stranded() {
    awk 'BEGIN { RS = "\f" } {
        n = split($0, line, "\n")
        while (n > 0 && (line[n] ~ /^ *$/ || line[n] ~ /^ *[0-9]+ *$/)) n--
        if (line[n] ~ /⟩ *[=≡].*(examples|labs)\/[a-z_\/]+\.[ch]:[0-9]+/) print "page " NR ": " line[n]
    }' "$1"
}
check "no caption is left alone at the foot of a page" "$(stranded "$work/text")"
caption=$(grep -m 1 '⟩ *[=≡].*examples/[a-z_]*\.c:[0-9]' "$work/text")
printf 'text\n%s\n\n   17\n\f' "$caption" > "$work/bad"
[ -n "$caption" ] && [ -n "$(stranded "$work/bad")" ] && wrong='' || wrong="a page made to end in one passes"
check "and one would be noticed" "$wrong"
cp build/book.pdf "$work/first.pdf"
rm build/book.pdf
make -s pdf > /dev/null 2>&1
cmp -s build/book.pdf "$work/first.pdf" && wrong='' || wrong="two runs, two files"
check "the same text gives the same PDF" "$wrong"

# --- EPUB ----------------------------------------------------------------------

valid() { java -jar /usr/share/java/epubcheck.jar "$1" 2>&1 | grep -E '^(ERROR|WARNING|FATAL)'; }
check "epubcheck finds no error and no warning" "$(valid build/book.epub)"
head -c 60000 build/book.epub > "$work/bad.epub"
[ -n "$(valid "$work/bad.epub")" ] && wrong='' || wrong="half an EPUB passes"
check "and would find one" "$wrong"
unzip -p build/book.epub EPUB/nav.xhtml | tr '\n' ' ' > "$work/nav"
grep -q 'Part 1\.[^<]*</a> *<ol[^>]*> *<li[^>]*> *<a[^>]*>1 ' "$work/nav" && wrong='' || wrong="chapter 1 is not in part 1"
check "the EPUB's contents hold the chapters in their parts" "$wrong"
# pandoc writes the time of the run into the archive's directory; the rest is the text's.
inside() { unzip -v build/book.epub | awk 'NF == 8 { print $7, $8 }'; }
inside > "$work/inside"
rm build/book.epub
make -s epub > /dev/null 2>&1
[ -s "$work/inside" ] && inside | cmp -s - "$work/inside" && wrong='' || wrong="two runs differ inside"
check "the same text gives the same files in the EPUB" "$wrong"
exit $failed
