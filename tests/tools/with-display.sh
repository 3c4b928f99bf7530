#!/bin/sh
# usage: tests/tools/with-display.sh WIDTHxHEIGHT COMMAND [ARGUMENT]...
# Runs a command on a virtual display of its own. The server picks the number itself: asking for a
# number that looks free, as xvfb-run -a does, lets two runs at once end up on one display.
set -eu
size=$1
shift
folder=$(mktemp -d)
mkfifo "$folder/number"
Xvfb -displayfd 3 -screen 0 "${size}x24" -nolisten tcp 3>"$folder/number" >"$folder/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -r "$folder"' EXIT
trap 'exit 130' INT TERM HUP
number=
read -r number <"$folder/number" || true
if [ -z "$number" ]; then
    echo "the virtual display did not start:" >&2
    cat "$folder/log" >&2
    exit 1
fi
unset XAUTHORITY
code=0
DISPLAY=:$number "$@" || code=$?
exit $code
