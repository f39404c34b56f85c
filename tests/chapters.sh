#!/bin/sh
# Every chapter compiles, on every system; and tangle/chapters sees it when one does not
# takes: 250
set -u
cd "$(dirname "$0")/.." || exit 1
. ./tangle/systems
work=$(mktemp -d "${TMPDIR:-/tmp}/chapters.XXXXXX")
trap 'rm -rf "$work"' EXIT

if ! command -v notangle >/dev/null; then
    echo 'skip - chapters: missing noweb'
    exit 0
fi

# table WORDS [ARGUMENT...]: a result for each system, from the table's row
table() {
    words=$1
    shift
    (unset CI; tangle/chapters "$@") >"$work/table" 2>"$work/errors"
    # shellcheck disable=SC2048
    for name in ${*:-$systems}; do
        case $name in -L) continue ;; esac
        system "$name"
        row=$(grep -F "| $title " "$work/table")
        case $row in
        *FAIL*) echo "not ok - $words, $title: $(grep -m 1 -A 2 -F "$title: " "$work/errors" | tr '\n' ' ')" ;;
        *n/i*)  echo "skip - $words, $title: missing ${need##*/}" ;;
        '')     echo "not ok - $words, $title: no result: $(head -n 2 "$work/errors" | tr '\n' ' ')" ;;
        *)      echo "ok - $words, $title" ;;
        esac
    done
}
table 'every chapter compiles'
table 'every chapter compiles with #line' -L gcc clang

# The tool itself, on a book of four chapters
mkdir -p "$work/b/book" "$work/b/tests"
ln -s "$PWD/tangle" "$work/b/tangle"
cd "$work/b" || exit 1
cat >book/00-zero.md <<'B'
# Zero {#zero}

No code yet.
B
cat >book/01-one.md <<'B'
# One {#one}

```c
<<examples/common/say.h>>=
void say(const char *text);
@ %def say
```

```c
<<examples/common/say.c>>=
#include "say.h"
#include <stdio.h>

void say(const char *text)
{
    puts(text);
}
@
```

```c
<<examples/hello.c>>=
#include "common/say.h"

int main(void)
{
    say("hello");
    return 0;
}
@
```
B
cat >book/02-two.md <<'B'
# Two {#two}

```c
<<labs/lab.c>>=
#include "common/say.h"

int main(void)
{
    say("lab");
    return 0;
}
@
```
B
cp book/*.md "$work/"

# a_book WORDS STATUS ROW [SAYS]: compile it; gcc's row is ROW, and it says SAYS
a_book() {
    status=0
    tangle/chapters gcc >"$work/table" 2>"$work/errors" || status=$?
    row=$(sed -n 's/^| Linux x86-64, gcc *| *\(.*[^ ]\) *|$/\1/p' "$work/table" | tr -s ' ')
    if [ "$row" = "$3" ] && [ "$status" -eq "$2" ] && grep -q -e "${4:-}" "$work/errors" "$work/table"; then
        echo "ok - tangle/chapters: $1"
    else
        echo "not ok - tangle/chapters: $1: status $status, row '$row'"
        sed 's/^/    /' "$work/table" "$work/errors"
    fi
    cp "$work"/0*.md book/
}
case $systems in
here) echo 'skip - tangle/chapters on a small book: only on Linux x86-64'; exit 0 ;;
esac
a_book 'a good book' 0 '- | ok | ok'
sed 's/say("lab")/int n = 1L << 40/' book/02-two.md | sed 's/ << / * 2000000000 * /' >"$work/new"
cp "$work/new" book/02-two.md
a_book 'a warning is a failure, with chapter and line' 1 '- | ok | FAIL' 'book/02-two.md:9:.*error'
sed 's/say("hello")/later("hello")/;s/.include "common.say.h"/&\nvoid later(const char *text);/' book/01-one.md >"$work/new"
cp "$work/new" book/01-one.md
a_book 'a function that no chapter so far defines' 1 '- | FAIL | FAIL' 'undefined reference.*later'
sed 's/^void say(const char .text);$/void say(size_t n);/;s/^void say(const char .text)$/void say(size_t n)/' book/01-one.md >"$work/new"
cp "$work/new" book/01-one.md
a_book 'a header that needs another one before it' 1 '- | FAIL | FAIL' 'book/01-one.md:5:.*size_t'
sed 's/say("hello");/<<greet>>/' book/01-one.md >"$work/new"
cp "$work/new" book/01-one.md
# shellcheck disable=SC2016
printf '\n```c\n<<greet>>=\nsay("hello");\n@\n```\n' >>book/02-two.md
a_book 'a chunk used before its chapter' 1 '' 'does not tangle'
# What was compiled in a chapter is not what it is in the next, where a header of a header says more
sed 's/^void say(const char .text);$/&\n#include "..\/more.h"/' book/01-one.md >"$work/01-one.md"
sed '/common.say.h/d; s/say("lab");/;/' book/02-two.md >"$work/02-two.md"
cat >>"$work/01-one.md" <<'B'

```c
<<examples/more.h>>=
<<more>>
@
```

```c
<<more>>=
void more(void);
@
```
B
cp "$work"/0*.md book/
a_book 'a header of a header' 0 '- | ok | ok'
# shellcheck disable=SC2016
printf '\n```c\n<<more>>=\n#define say(text) none(text)\n@\n```\n' >>book/02-two.md
a_book 'a header of a header that says more in the next chapter' 1 '- | ok | FAIL' 'implicit declaration.*none'
a_book 'and again a good book' 0 '- | ok | ok'
