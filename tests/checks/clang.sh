#!/bin/sh
# usage: clang.sh ROOT BUILD
# Builds the whole tree with clang into the folder BUILD; a warning is an error.
command -v clang >/dev/null || { echo "clang is not installed"; exit 77; }
set -e
[ -f "$2/build.ninja" ] || CC=clang meson setup "$2" "$1" --werror -Doptimization=0 -Ddebug=false
ninja -k 0 -C "$2"
