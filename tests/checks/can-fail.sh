#!/bin/sh
# usage: can-fail.sh
# Checks the checks: each one passes on a small sound tree and fails after one violation of it.
checks=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d) || exit 1
cp "$checks/../../.clang-format" "$tree"
trap 'rm -rf "$tree"' EXIT
n=0

# A tree in which every check passes.
reset() {
    rm -rf "${tree:?}"/*
    for folder in engine/base engine/graph engine/train engine/metrics engine/kernels/fast \
        engine/kernels/ref ui app/cli app tests resources/desktop; do
        mkdir -p "$tree/$folder"
    done
    cd "$tree" || exit 1
    echo '#include <string.h>' >engine/base/status.h
    echo '#include "base/status.h"' >engine/graph/graph.h
    echo '#include <cblas.h>' >engine/kernels/fast/gemm.c
    echo '#include "view.h"' >ui/view.c && : >ui/view.h
    printf '#include "graph/graph.h"\n#include <gtk/gtk.h>\n' >app/main.c
    echo '#include "graph/graph.h"' >app/cli/main.c
    echo "[folders](engine/base) and [the web](https://example.org/)" >README.md
    : >Makefile
    echo "project('sound', 'c')" >meson.build
    echo "executable('sound', 'tests/sound.c')" >>meson.build
    printf 'int\nmain(void)\n{\n    return 0;\n}\n' >tests/sound.c
    cat >resources/desktop/org.example.Sound.desktop <<'END'
[Desktop Entry]
Type=Application
Name=Sound
Exec=sound
Icon=sound
Categories=Education;Science;
END
    cat >resources/desktop/org.example.Sound.metainfo.xml <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<component type="desktop-application">
  <id>org.example.Sound</id>
  <metadata_license>CC0-1.0</metadata_license>
  <project_license>MIT</project_license>
  <name>Sound</name>
  <summary>Nothing to complain about</summary>
  <description><p>A description that is long enough to be taken for one by the tool.</p></description>
  <launchable type="desktop-id">org.example.Sound.desktop</launchable>
  <url type="homepage">https://example.org/</url>
  <developer_name>Nobody</developer_name>
  <content_rating type="oars-1.1"/>
  <releases><release version="1.0" date="2026-01-01"/></releases>
</component>
END
}

# report CHECK WHAT [COMPLAINT]: runs the check, which must pass, or complain with this text
report() {
    n=$((n + 1))
    "$checks/$1.sh" "$tree" "$tree/build" >"$tree/out" 2>&1
    code=$?
    if [ $code = 77 ]; then
        echo "ok $n $1: $2 # SKIP $(tail -n 1 "$tree/out")"
    elif [ $# = 2 ] && [ $code = 0 ]; then
        echo "ok $n $1: $2"
    elif [ $# = 3 ] && [ $code != 0 ] && grep -qF -- "$3" "$tree/out"; then
        echo "ok $n $1: $2"
    else
        sed 's/^/# /' "$tree/out"
        echo "not ok $n $1: $2"
    fi
    reset
}

reset
for check in layers format text desktop clang; do
    report $check "a sound tree"
done

echo '#include "graph/graph.h"' >>engine/base/status.h
report layers "an earlier folder includes a later one" 'base must not know graph'
echo '#include "metrics/fid.h"' >engine/train/gan.c
report layers "folders of one row include each other" 'train must not know metrics'
echo '#include "../base/status.h"' >>engine/graph/graph.h
report layers "a relative include" 'from the top of engine/'
mkdir engine/other && echo '#include <math.h>' >engine/other/a.c
report layers "a folder without a row" 'engine/other has no row'
echo '#include <glib.h>' >>engine/base/status.h
report layers "the engine includes GLib" '<glib.h>'
echo '  #  include <gtk/gtk.h>' >>engine/base/status.h
report layers "the engine includes GTK" '<gtk/gtk.h>'
echo '#include <threads.h>' >>engine/base/status.h
report layers "the engine includes threads.h" '<threads.h>'
echo '#include <cblas.h>' >engine/kernels/ref/gemm.c
report layers "a second file includes cblas.h" 'only engine/kernels/fast/gemm.c'
echo '#include "graph/graph.h"' >>ui/view.c
report layers "ui includes an engine header" 'ui knows no engine header'
echo '#include <gtk/gtk.h>' >>app/cli/main.c
report layers "the command line program includes GTK" 'neither GTK nor ui'
echo 'int  a;' >>tests/sound.c
report format "two spaces" 'should be clang-formatted'
echo '[gone](engine/gone)' >>README.md
report text "a link to a file that does not exist" 'engine/gone does not exist'
echo '// FIX''ME' >>ui/view.c
report text "a mark of unfinished work" 'ui/view.c:2'
echo 'Categories=Education;' >>resources/desktop/org.example.Sound.desktop
report desktop "a desktop entry with a key twice" 'Categories'
sed -i /summary/d resources/desktop/org.example.Sound.metainfo.xml
report desktop "metainfo without a summary" 'summary'
sed -i 's/return 0/int unused; return 0/' tests/sound.c
sed -i "s/'c'/'c', default_options: 'warning_level=2'/" meson.build
report clang "an unused variable" 'unused'
echo "1..$n"
