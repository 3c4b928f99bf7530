#!/bin/sh
# usage: install.sh ROOT BUILD
# Installs the build folder BUILD into an empty folder and checks that nothing is missing there.
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
meson install -C "$2" --no-rebuild --destdir "$place" >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }
prefix=$place$(sed -n 's/^Installing .*limen-cli to //p' "$place/log" | sed "s|^$place||; s|/bin$||")

want="bin/limen bin/limen-cli
share/applications/org.limen.Limen.desktop
share/metainfo/org.limen.Limen.metainfo.xml
share/icons/hicolor/scalable/apps/org.limen.Limen.svg
share/icons/hicolor/symbolic/apps/org.limen.Limen-symbolic.svg
$(cd "$1/resources" && find models oracles samples -type f ! -name make.py | sed 's|^|share/limen/|')"
{
    for file in $want; do
        [ -s "$prefix/$file" ] || echo "$file is not installed"
    done
    find "$prefix" ! -path '*/oracles/*' \( -name '*.py' -o -name '*.a' -o -name '*.h' \) | sed 's/$/: what is it doing here?/'
    "$prefix/bin/limen-cli" --help >/dev/null || echo "the installed limen-cli does not run"
} | awk '{ print } END { exit NR > 0 }'
