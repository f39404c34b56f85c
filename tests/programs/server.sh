# shellcheck shell=sh disable=SC2034,SC2154
# What the tests of servers have in common. Sourced from the repository's top by those that have set $work, a
# folder of theirs. $under is said before each name.
server='' port='' failed=0 under=''
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

ok() { echo "ok - $under$1"; }
not_ok() { echo "not ok - $under$1: $2"; failed=1; }
skip() { echo "skip - $under$1: $2"; }
# is NAME WANTED GOT
is() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "not '$2' but '$3'"; fi
}
first() { head -n 1 "$1" | tr -d '\r'; }

# program NAME ARGUMENT...: run one of the book's programs. A test sets BIN, their folder; RUN, what runs them
# (Wine), and EXE, how their names end
program() {
    what=$BIN/$1${EXE-}
    shift
    # shellcheck disable=SC2086  # RUN is a command with its arguments
    ${RUN-} "$what" "$@"
}
# A program for Windows ends its lines with CR LF. told FILE...: without the CR
told() { [ -z "${RUN-}" ] || sed -i 's/\r$//' "$@"; }

# until_said FILE PATTERN: wait until a line of the file says so, at most a minute: the machine may be busy
until_said() {
    tries=0
    until tr -d '\r' 2>/dev/null <"$1" | grep -q "$2" || [ $tries -ge 600 ]; do sleep 0.1; tries=$((tries + 1)); done
}

# serve NAME COMMAND...: a server of ours, which says which port it has; sets server (its process) and port
serve() {
    name=$1
    shift
    : >"$work/said"
    "$@" >"$work/said" 2>"$work/errors" </dev/null &
    server=$!
    until_said "$work/said" .
    port=$(first "$work/said" | sed -n "s/^$name: listening on 127\\.0\\.0\\.1:\\([0-9][0-9]*\\)\$/\\1/p")
}

# end SIGNAL [SECONDS]: end the server with a signal, within twenty seconds or so many; sets status
end() {
    kill -s "$1" "$server"
    (sleep "${2:-20}"; kill -s KILL "$server") >/dev/null 2>&1 &
    killer=$!
    wait "$server" 2>/dev/null
    status=$?
    kill $killer 2>/dev/null
    server=''
}
stop() { [ -z "$server" ] || end TERM; }

# ticks: processor time that the server has used, in hundredths of a second
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$server/stat" 2>/dev/null; }
files() { find "/proc/$server/fd" -type l 2>/dev/null | wc -l; }
# until_files N: wait until the server has so many, at most four seconds
until_files() {
    tries=0
    until [ "$(files)" -ge "$1" ] || [ $tries -ge 40 ]; do sleep 0.1; tries=$((tries + 1)); done
}
