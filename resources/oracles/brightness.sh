#!/bin/sh
# An oracle for limen: class 1 when more than a quarter of the pixels is brighter than a half, else
# class 0. The protocol is described in engine/attacks/oracle.h and in the README.
read -r word version c h w || exit 0
[ "$word $version" = "limen-oracle 1" ] || { echo "I speak version 1" >&2; exit 1; }
echo "ready 2 bytes"
while read -r picture; do
    bright=$(printf '%s\n' "$picture" | fold -w 2 | grep -c '^[89a-f]')
    if [ $((4 * bright)) -gt $((c * h * w)) ]; then echo 1; else echo 0; fi
done
