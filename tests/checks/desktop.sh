#!/bin/sh
# usage: desktop.sh ROOT
# Checks the desktop entry and the metainfo file.
cd "$1/resources/desktop" || exit 1
for tool in desktop-file-validate appstreamcli; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
set -e
desktop-file-validate ./*.desktop
appstreamcli validate --no-net --no-color ./*.metainfo.xml
