#!/bin/sh
# shellcheck disable=SC2181
# The build as people use it: quiet, incremental, parallel, and possible
# without noweb. Works on a copy of the tree.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
ok() { echo "ok - $1"; }
no() { echo "not ok - $1: $2"; failed=1; }
tree=$work/tree
mkdir "$tree"
(cd "$top" && tar cf - --exclude ./build --exclude ./.git --exclude node_modules .) | (cd "$tree" && tar xf -)
cd "$tree" || exit 1
make=${MAKE:-make}
unset MAKEFLAGS MAKELEVEL MFLAGS
said() { head -n 3 "$work/said" | tr '\n' '|'; }

# --- without noweb -----------------------------------------------------------

# A PATH with everything but noweb and pandoc.
mkdir "$work/path"
for folder in /usr/local/bin /usr/bin /bin; do
    for tool in "$folder"/*; do
        case ${tool##*/} in notangle | noweb | noroots | pandoc) continue ;; esac
        [ -e "$work/path/${tool##*/}" ] || ln -s "$tool" "$work/path/${tool##*/}"
    done
done
PATH=$work/path $make tangle > "$work/said" 2>&1
if [ $? = 0 ] && [ -x build/bin/delayd ] && grep -q 'noweb is not installed: building from generated/' "$work/said"; then
    ok "without noweb the programs build from generated/, and make says so"
else no "without noweb the programs build from generated/, and make says so" "$(said)"; fi
PATH=$work/path $make book > "$work/said" 2>&1
if [ $? != 0 ] && grep -q "'make setup' installs it" "$work/said"; then ok "without noweb 'make book' says what is missing"
else no "without noweb 'make book' says what is missing" "$(said)"; fi
rm -rf build

command -v notangle > /dev/null || { echo "skip - building from the chapters: missing noweb"; exit $failed; }
command -v pandoc > /dev/null || { echo "skip - building the book: missing pandoc"; exit $failed; }

# --- the whole, then nothing -------------------------------------------------

start=$(date +%s)
$make -j2 tangle book > "$work/said" 2>&1
if [ $? = 0 ] && [ ! -s "$work/said" ]; then ok "make -j2 tangle book from clean is quiet"
else no "make -j2 tangle book from clean is quiet" "$(said)"; fi
echo "# from clean in $(($(date +%s) - start)) s"
touch "$work/before"; sleep 1
$make tangle book > "$work/said" 2>&1
changed=$(find build/web build/bin build/obj generated -type f -newer "$work/before" | head -n 3 | tr '\n' ' ')
if [ -z "$changed" ] && [ ! -s "$work/said" ]; then ok "a second make makes nothing"
else no "a second make makes nothing" "$changed $(said)"; fi

# --- one paragraph -----------------------------------------------------------

touch "$work/before"; sleep 1
awk '!done && /^## / { print "A new paragraph, about nothing much.\n"; done = 1 } { print }' book/01-waiting.md > "$work/edited"
cp "$work/edited" book/01-waiting.md
$make tangle book > "$work/said" 2>&1
pages=$(find build/web -name '*.html' -newer "$work/before" | sort | tr '\n' ' ')
if [ "$pages" = "build/web/book.html build/web/waiting.html " ]; then ok "an edit of one paragraph makes its page and the whole-book page, no other"
else no "an edit of one paragraph makes its page and the whole-book page, no other" "$pages $(said)"; fi
if [ -z "$(find build/bin build/obj generated -type f -newer "$work/before")" ]; then ok "and compiles nothing"
else no "and compiles nothing" "$(find build/bin build/obj generated -type f -newer "$work/before" | head -n 3 | tr '\n' ' ')"; fi

# --- #line -------------------------------------------------------------------

$make lines=1 tangle > "$work/said" 2>&1
if [ $? = 0 ] && [ ! -s "$work/said" ]; then ok "make lines=1 builds"; else no "make lines=1 builds" "$(said)"; fi
if command -v objdump > /dev/null; then
    if objdump --dwarf=decodedline build/obj-lines/examples/fan_poll.o 2> /dev/null | grep -q '01-waiting.md'; then ok "and the debugger finds the chapter"
    else no "and the debugger finds the chapter" "no line of 01-waiting.md in fan_poll.o"; fi
fi

# --- a mistake in a chapter ----------------------------------------------------

cksum build/web/*.html generated/examples/*.c > "$work/sums"
printf '\n[nothing]{.chunk}\n' >> book/01-waiting.md
$make book > "$work/said" 2>&1
if [ $? != 0 ] && grep -q '^book/01-waiting.md:[0-9]*: there is no chunk <<nothing>>' "$work/said"; then ok "make book names the chapter and line of a mistake"
else no "make book names the chapter and line of a mistake" "$(said)"; fi
if cksum build/web/*.html generated/examples/*.c | cmp -s - "$work/sums"; then ok "and leaves the previous pages"; else no "and leaves the previous pages" "they changed"; fi

# --- make itself -------------------------------------------------------------

$make help > "$work/said" 2>&1
missing=
for target in setup tangle book pdf epub serve chapters test record install uninstall amalgamation; do grep -q "^  $target " "$work/said" || missing="$missing $target"; done
if [ -z "$missing" ]; then ok "make help names the targets"; else no "make help names the targets" "missing:$missing"; fi

# setup comes first under -j: replaced by a script that takes its time.
printf '#!/bin/sh\nsleep 1; date +%%s%%N > setup-done\n' > tangle/setup
rm -rf build
printf '#!/bin/sh\n[ -e setup-done ] || echo "tangled before setup" >&2\nexec %s/tangle/tangle "$@"\n' "$top" > "$work/first"
cp tangle/tangle "$work/real-tangle"; cp "$work/first" tangle/tangle
$make -j4 setup tangle > "$work/said" 2>&1
if [ -e setup-done ] && ! grep -q 'before setup' "$work/said"; then ok "setup comes before everything under -j"
else no "setup comes before everything under -j" "$(said)"; fi
exit $failed
