#!/bin/sh
# usage: text.sh ROOT
# Checks that the files which README.md links to exist, and that no unfinished work is marked.
cd "$1" || exit 1
{
    grep -oE '(\]\(|src="|href=")[^)"#]+' README.md | sed -E 's/^(\]\(|src="|href=")//' |
        grep -vE '^(https?|mailto):' | while read -r path; do
        [ -e "$path" ] || echo "README.md: $path does not exist"
    done

    # Written so that this line does not find itself.
    grep -rnIwE 'TO[D]O|FIX[M]E|X[X]X' README.md Makefile meson.build engine ui app tests resources
} | awk '{ print } END { exit NR > 0 }'
