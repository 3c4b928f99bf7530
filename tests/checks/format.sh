#!/bin/sh
# usage: format.sh ROOT
# Checks that the sources are as clang-format 14 writes them (make format).
cd "$1" || exit 1
for tool in clang-format-14 clang-format; do
    $tool --version 2>/dev/null | grep -q 'version 14\.' || continue
    find engine ui app tests -name '*.[ch]' -exec $tool --dry-run -Werror {} +
    exit
done
echo "clang-format 14 is not installed"
exit 77
