#!/bin/sh
# shellcheck disable=SC2016,SC2181  # $ is sed's and Markdown's
# Every mistake an author can make gets one line with chapter and line number
# and a non-zero exit, and leaves what was tangled before in place.
#
# A case is a small good book with one edit. The last test removes the check
# and expects every case to notice.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/mistakes.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
blind=0            # 1: the check is gone, and a case that passes is a defect

say() { # STATUS NAME [REASON]
    if [ "$1" = ok ]; then
        [ $blind = 1 ] || echo "ok - $2"
        passes=$((passes + 1))
    else
        [ $blind = 1 ] || { echo "not ok - $2: $3"; failed=1; }
    fi
}

# A line of noweb in this file would be one in the fixture: < is written as is.
good_book() {
    rm -rf "$work/book"
    mkdir -p "$work/book/figures" "$work/book/recorded"
    cat > "$work/book/01-one.md" <<'END'
# One {#one}

The first chapter, with a figure ([](#fig:box)), a side note[^aside] and a source [@kegel].

[^aside]: Said aside.

![A box.](figures/box.svg){#fig:box alt="An empty box."}

```c
<<examples/one.c>>=
#include <stdio.h>

int main(void)
{
    <<say it>>
    return 0;
}
@ %def main
```

## How it says it

The words are in [say it]{.chunk}, more in [](#two) and [](#tab:words).

```c
<<say it>>=
puts("one");
@
```

| word | number |
|---|---|
| one | 1 |

: Words. {#tab:words}

```{.console recorded="one"}
```

::: {.steps #fig:steps src="figures/steps.svg" caption="Two steps." alt="What both show."}
1. The first.
2. The second.
:::
END
    cat > "$work/book/02-two.md" <<'END'
# Two {#two}

See [](#one-how-it-says-it).

::: {.pitfall title="Mind the gap"}
There is one.
:::

```c
<<say it>>=
puts("and two");
@
```
END
    cat > "$work/book/references.bib" <<'END'
@online{kegel,
  title = {The C10K problem},
}
END
    printf '%s\n' 'title: "Good"' 'parts:' '  - chapter: 1' '    title: "First"' '  - chapter: 5' '    title: "Last"' > "$work/book/metadata.yaml"
    echo '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 10"><title>Box</title></svg>' > "$work/book/figures/box.svg"
    printf '%s\n' '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 10">' '<title>Steps</title><g><path d="M0 0"/></g>' \
        '<g class="at 1 2"><g><path d="M1 1"/></g></g>' '<g class="at 2"><path d="M2 2"/></g>' '</svg>' > "$work/book/figures/steps.svg"
    echo 'one' > "$work/book/recorded/one.cmd"
    printf '$ one\none\nand two\n' > "$work/book/recorded/one.out"
    echo 'Linux' > "$work/book/recorded/one.sys"
}

edit() { # FILE SED-SCRIPT
    sed "$2" "$work/book/$1" > "$work/edited" && cp "$work/edited" "$work/book/$1"
}

check() { (cd "$work" && "$tools/check" book/01-one.md book/02-two.md) > "$work/said" 2>&1; }

# NAME FILE:LINE PATTERN: after an edit, the check must say exactly that.
caught() {
    check; status=$?
    if [ $status = 0 ]; then
        say no "$1" "not noticed"
    elif ! grep -q "^book/$2: .*$3" "$work/said"; then
        say no "$1" "expected '$2: ...$3', got '$(head -n 1 "$work/said")'"
    elif [ "$(wc -l < "$work/said")" -gt "${4:-1}" ]; then
        say no "$1" "more than one line: $(tr '\n' '|' < "$work/said")"
    else
        say ok "$1"
    fi
    good_book
}

cases() {
    good_book
    edit 02-two.md '$a\
\
```c\
<<say nothing>>=\
puts("");\
@\
```'
    caught "unused chunk" 02-two.md:16 "<<say nothing>> is defined and never used"

    edit 01-one.md 's/    <<say it>>/    <<say what>>/'
    caught "undefined chunk" 01-one.md:15 "<<say what>> is used here and defined nowhere" 3

    edit 02-two.md 's/^puts("and two");/<<say it>>/'
    caught "cycle" 02-two.md:11 "contains itself"

    edit 02-two.md 's/^puts("and two");/<<say more>>/'
    edit 02-two.md '$a\
\
```c\
<<say more>>=\
<<say it>>\
@\
```'
    caught "cycle of two" 02-two.md:17 "contains itself: .*<<say it>> uses <<say more>> uses <<say it>>"

    edit 02-two.md 's/^<<say it>>=/<<examples\/one.c>>=/'
    caught "two roots, one file" 02-two.md:10 "makes the same file as book.01-one.md:10"

    edit 02-two.md 's/^<<say it>>=/<<examples\/One.c>>=/'
    caught "two roots, one file where case does not count" 02-two.md:10 "makes the same file"

    edit 02-two.md 's/^<<say it>>=/<<examples\/one.c\/two.c>>=/'
    caught "a root that is a file and a folder" 02-two.md:10 "both a file and a folder"

    edit 02-two.md 's/^<<say it>>=/<<examples\/..\/..\/two.c>>=/'
    caught "a root that would leave generated/" 02-two.md:10 "would leave generated/"

    edit 02-two.md 's/^<<say it>>=/<<\/etc\/two.c>>=/'
    caught "an absolute root" 02-two.md:10 "would leave generated/"

    edit 02-two.md 's/^<<say it>>=/<<elsewhere\/two.c>>=/'
    caught "a root in no known folder" 02-two.md:10 "a file in include/, src/, examples/ or labs/"

    edit 02-two.md '/^@$/d'
    caught "missing @" 02-two.md:12 "missing '@': chunk <<say it>>, begun on line 10"

    edit 02-two.md '/^@$/,$d'
    caught "missing @ at the end of the file" 02-two.md:10 "missing '@'"

    edit 01-one.md 's/^The first chapter,/The first a << b chapter,/'
    caught "a bare << in prose" 01-one.md:3 "a bare '@<<' in prose"

    edit 02-two.md 's/^puts("and two");/int n = (a << 8) | (a >> 8);/'
    caught "a shift that reads as a chunk" 02-two.md:11 "noweb reads"

    edit 02-two.md 's/^puts("and two");/#define TWO \\\
<<say one>>/'
    edit 02-two.md '$a\
\
```c\
<<say one>>=\
puts("one");\
@\
```'
    caught "a chunk inside a macro" 02-two.md:12 "inside a macro"

    tab=$(printf '\t')
    edit 02-two.md "s/^puts/${tab}puts/"
    caught "a tab" 02-two.md:11 "a tab"

    cr=$(printf '\r')
    edit 02-two.md "3s/\$/$cr/"
    caught "a carriage return" 02-two.md:3 "a carriage return"

    printf '\357\273\277' | cat - "$work/book/02-two.md" > "$work/edited" && cp "$work/edited" "$work/book/02-two.md"
    caught "a byte order mark" 02-two.md:1 "byte order mark"

    bad=$(printf '\351')
    LC_ALL=C edit 02-two.md "3s/See/S$bad/"
    caught "bytes that are not UTF-8" 02-two.md:3 "not UTF-8"

    edit 02-two.md 's/^puts/puts  (       "a line of code so long that it would run over the edge of any page" ); puts/'
    caught "a code line too long for the page" 02-two.md:11 "columns; the page has room for 76"

    edit 02-two.md 's/^# Two {#two}/# Two {#one}/'
    caught "a title with another chapter's id" 02-two.md:1 "the title's id must be the file's name"

    edit 02-two.md '$a\
\
## Again\
\
## Again'
    caught "a duplicate section" 02-two.md:17 "a second section with the id 'again' (first on line 15)"

    edit 02-two.md '$a\
\
![Again.](figures/box.svg){#fig:box alt="A box."}'
    caught "a duplicate figure" 02-two.md:15 "the label 'fig:box' is taken by book.01-one.md:7"

    edit 02-two.md '$a\
\
[^aside]: Again. And used[^aside].'
    caught "a duplicate footnote" 02-two.md:15 "footnote \[^aside\] is defined a second time"

    edit references.bib '$a\
@online{kegel,\
}'
    caught "a duplicate source" references.bib:4 "'kegel' is defined a second time"

    edit 02-two.md 's/(#one-how-it-says-it)/(#one-how-it-says)/'
    caught "a dangling section" 02-two.md:3 "nothing has the label '#one-how-it-says'"

    edit 01-one.md 's/(#two)/(#three)/'
    caught "a dangling chapter" 01-one.md:23 "nothing has the label '#three'"

    edit 01-one.md 's/(#two)/(#reference)/'
    caught "a link to the reference of a book that has no header" 01-one.md:23 "nothing has the label '#reference'"

    edit 01-one.md 's/(#fig:box)/(#fig:bix)/'
    caught "a dangling figure" 01-one.md:3 "nothing has the label '#fig:bix'"

    edit 01-one.md 's/\[say it\]{.chunk}/[say\
that]{.chunk}/'
    caught "a dangling chunk reference, over two lines" 01-one.md:23 "no chunk <<say that>>"

    edit 01-one.md 's/^\[^aside\]: .*//'
    caught "a dangling footnote" 01-one.md:3 "footnote \[^aside\] is not defined"

    edit 01-one.md 's/side note\[^aside\]/side note/'
    caught "an unused footnote" 01-one.md:5 "defined and never used"

    edit 01-one.md 's/@kegel/@kogel/'
    caught "a dangling citation" 01-one.md:3 "no source '@kogel'"

    edit 01-one.md 's/ alt="An empty box."//'
    caught "a figure without a text alternative" 01-one.md:7 "no text alternative"

    edit 01-one.md 's/alt="An empty box."/alt=" "/'
    caught "a figure with an empty text alternative" 01-one.md:7 "no text alternative"

    edit 01-one.md 's/box\.svg/bix.svg/'
    caught "a figure that is not there" 01-one.md:7 "no such figure"

    edit 01-one.md 's/ #fig:steps//'
    caught "steps without an id" 01-one.md:40 "a steps figure needs an id"

    edit 01-one.md 's/ src="figures.steps.svg"//'
    caught "steps without a drawing" 01-one.md:40 "a steps figure needs its drawing"

    edit 01-one.md 's/ caption="Two steps."//'
    caught "steps without a caption" 01-one.md:40 "a steps figure needs caption="

    edit 01-one.md 's/ alt="What both show."/ alt=""/'
    caught "steps without a text alternative" 01-one.md:40 "no text alternative"

    rm "$work/book/figures/steps.svg"
    caught "steps whose drawing is not there" 01-one.md:40 "no such figure: book/figures/steps.svg"

    edit 01-one.md '/^2. The second/d'
    caught "steps without a list of them" 01-one.md:40 "an item for each frame, two or more" 2

    edit 01-one.md 's/^2. The second.*/&\
3. The third./'
    edit figures/steps.svg 's/at 2"/at 2 4"/'
    caught "a frame that no item tells of" 01-one.md:40 "has a group for frame 4; the list has 3 items"

    edit 01-one.md 's/^2. The second.*/&\
3. The third./'
    edit figures/steps.svg 's/at 2"/at 2 3"/; s/at 1 2"/at 1 2 3"/'
    caught "a frame that shows nothing new" 01-one.md:43 "frame 3 of book.figures.steps.svg is the same as frame 2"

    edit figures/steps.svg 's/at 2"/at 2,3"/'
    caught "frames that are not numbers" 01-one.md:40 "frames are written <g class=" 2

    edit figures/steps.svg 's/<g class="at 2">\(.*\)<.g>/\1/; s/<path d="M2 2"/<path class="at 2" d="M2 2"/'
    caught "frames of what is not a group" 01-one.md:40 "frames are written <g class=" 2

    edit figures/steps.svg 's/at 1 2"><g>/at 1 2"><g class="at 2">/'
    caught "frames within frames" 01-one.md:40 "inside another group with frames"

    rm "$work/book/recorded/one.out"
    caught "an output that was not recorded" 01-one.md:37 "nothing recorded as"

    edit 01-one.md '/recorded=/,$d'
    caught "a recorded output that no chapter shows" recorded/one.cmd:1 "no chapter shows" 3

    edit metadata.yaml '/First/d'
    caught "a part without a title" metadata.yaml:3 "a part without a title"

    edit metadata.yaml 's/chapter: 5/chapter: 1/'
    caught "parts out of order" metadata.yaml:5 "begins with chapter 1, and the part before it with chapter 1"

    edit metadata.yaml 's/chapter: 5/chapter: five/'
    caught "a part that begins with no number" metadata.yaml:5 "a part is " 2

    edit 02-two.md '/^:::$/d'
    caught "a block that is never closed" 02-two.md:5 "never closed"

    edit 02-two.md 's/{.pitfall /{.pitfal /'
    caught "an unknown block" 02-two.md:5 "unknown block"

    edit 01-one.md 's/^@ %def main/@ %def mein/'
    caught "%def of something that is not there" 01-one.md:18 "names 'mein'"

    edit 02-two.md '$a\
\
```c\
<<examples/two.c>>=\
<<say two>>\
@\
```'
    cp "$work/book/02-two.md" "$work/book/01-one.md.later"
    edit 01-one.md 's/    <<say it>>/    <<say late>>/; s/^<<say it>>=/<<examples\/early.c>>=/; s/\[say it\]{.chunk}/x/'
    edit 02-two.md 's/^<<say it>>=/<<say late>>=/; s/^<<say two>>/int two;/'
    caught "a chunk used before its chapter" 01-one.md:15 "used before its chapter"
}

tools=$top/tangle
good_book
if check; then echo "ok - a good book has no mistakes"; else
    echo "not ok - a good book has no mistakes: $(head -n 1 "$work/said")"; failed=1
fi
for awk in mawk "gawk --posix"; do
    command -v "${awk%% *}" > /dev/null || { echo "skip - the check under $awk: missing ${awk%% *}"; continue; }
    good_book
    edit 01-one.md 's/^The first chapter,/The first a << b chapter,/'
    (cd "$work" && AWK=$awk && export AWK && LC_ALL=C $AWK -v whole=1 -v bib=book/references.bib -f "$top/tangle/check.awk" \
        book/01-one.md book/02-two.md) > "$work/said.$(echo "$awk" | tr -d ' -')" 2>&1
done
if [ -f "$work/said.mawk" ] && [ -f "$work/said.gawkposix" ]; then
    if cmp -s "$work/said.mawk" "$work/said.gawkposix" && [ -s "$work/said.mawk" ]; then
        echo "ok - mawk and gawk --posix say the same"
    else echo "not ok - mawk and gawk --posix say the same: they differ"; failed=1; fi
fi
passes=0
cases

# The same cases with a check that sees nothing: each must fail.
mkdir "$work/blind"
printf '#!/bin/sh\nexit 0\n' > "$work/blind/check"
chmod +x "$work/blind/check"
tools=$work/blind blind=1 passes=0
cases
if [ $passes = 0 ]; then echo "ok - without the check every case fails"; else
    echo "not ok - without the check every case fails: $passes passed"; failed=1
fi

# --- what tangling leaves in place ---------------------------------------------

tools=$top/tangle blind=0
expect() { # NAME; the status of the last command decides
    status=$?
    if [ $status = 0 ]; then echo "ok - $1"; else echo "not ok - $1: $(head -n 3 "$work/said" 2> /dev/null | tr '\n' '|')"; failed=1; fi
}
if ! command -v notangle > /dev/null; then
    echo "skip - tangling: missing noweb"
    exit $failed
fi
tangle() { (cd "$work" && "$tools/tangle" "$@" book/01-one.md book/02-two.md) > "$work/said" 2>&1; }

good_book
rm -rf "$work/generated"
tangle && [ -s "$work/generated/examples/one.c" ] && [ ! -s "$work/said" ]
expect "tangling a good book is quiet"
cp -R "$work/generated" "$work/before"

stamp() { (cd "$work/generated" && find . -type f -exec ls -l --time-style=full-iso {} + | sort; find . -type f | sort | xargs cksum); }
stamp > "$work/stamp1"; sleep 0.1
tangle && stamp > "$work/stamp2" && cmp -s "$work/stamp1" "$work/stamp2"
expect "tangling again touches nothing"

edit 01-one.md 's/    <<say it>>/    <<say what>>/'
tangle; [ $? != 0 ] && diff -r "$work/before" "$work/generated" > /dev/null
expect "a mistake leaves the previous output in place"
good_book

tangle -n
expect "generated/ is what the chapters say"
echo '/* mine */' >> "$work/generated/examples/one.c"
tangle -n; [ $? != 0 ] && grep -q '^generated/examples/one.c:1: edited by hand; bring the change to book/01-one.md:10' "$work/said"
expect "a hand-edited file is named"
tangle; [ $? != 0 ] && grep -q 'mine' "$work/generated/examples/one.c"
expect "a hand-edited file is not overwritten"
tangle -f && diff -r "$work/before" "$work/generated" > /dev/null
expect "unless that is asked for"

edit 02-two.md 's/and two/and 2/'
tangle -n; [ $? != 0 ] && grep -q '^generated/examples/one.c:1: stale' "$work/said"
expect "a stale file is named"
good_book

echo 'int x;' > "$work/generated/examples/extra.c"
tangle; [ $? != 0 ] && grep -q '^generated/examples/extra.c:1: made by no chapter' "$work/said" && [ -f "$work/generated/examples/extra.c" ]
expect "a file that no chapter makes is named, not lost"
rm "$work/generated/examples/extra.c"

edit 02-two.md '$a\
\
```c\
<<labs/two.c>>=\
int two;\
@\
```'
tangle && [ -f "$work/generated/labs/two.c" ]
expect "a new root makes a new file"
good_book
tangle && [ ! -e "$work/generated/labs" ]
expect "what no chapter makes any more is removed"
diff -r "$work/before" "$work/generated" > "$work/said"
expect "tangling is reproducible"

tangle -L -o lines && grep -q '^#line 27 "book/01-one.md"' "$work/lines/examples/one.c"
expect "#line names the chapter and its line"
if command -v cc > /dev/null; then
    edit 01-one.md 's/^puts("one");/putz("one");/'
    tangle -L -o lines
    (cd "$work" && cc -std=c11 -Wall -Werror -c lines/examples/one.c -o /dev/null) > "$work/said" 2>&1
    [ $? != 0 ] && grep -q '^book/01-one.md:27:.*putz' "$work/said"
    expect "a compiler error points into the chapter"
    good_book
fi
exit $failed
