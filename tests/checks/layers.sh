#!/bin/sh
# usage: layers.sh ROOT
# Checks who includes whom. An engine folder includes from itself and from folders of a lower row;
# the engine knows no GLib and no GTK; one file includes cblas.h; ui knows no engine; the command
# line program knows neither GTK nor ui. app/ and tests/ see everything.
cd "$1" || exit 1

# Folders in one row do not know each other.
rows='base
tensor
kernels
run
graph
ops
nn
models
data
train
metrics attacks
defenses
jobs'

# Every include of the sources as "file kind name", kind being < or ".
includes() {
    find "$@" -name '*.[ch]' -exec grep -HE '^[[:space:]]*#[[:space:]]*include' {} + |
        sed -nE 's/^([^:]+):[^<"]*([<"])([^>"]+)[>"].*/\1 \2 \3/p'
}

{
    includes engine | awk -v rows="$rows" '
        BEGIN {
            n = split(rows, row, "\n")
            for (i = 1; i <= n; i++) {
                m = split(row[i], name, " ")
                for (j = 1; j <= m; j++)
                    rank[name[j]] = i
            }
        }
        { split($1, at, "/"); from = at[2] }
        !(from in rank) { print $1 ": the folder engine/" from " has no row in layers.sh" }
        $3 ~ /\.\.\// { print $1 ": \"" $3 "\": includes are written from the top of engine/" }
        $3 ~ /^(glib|gio|gobject|gmodule|gtk|gdk|gsk|pango|cairo|graphene|adw)/ {
            print $1 ": <" $3 ">: the engine uses neither GLib nor GTK"
        }
        $3 == "threads.h" { print $1 ": <threads.h>: threads are pthreads" }
        $2 == "\"" && split($3, to, "/") > 1 && to[1] != from && !(to[1] == "engine") {
            if (!(to[1] in rank))
                print $1 ": \"" $3 "\": not a folder of the engine"
            else if (rank[to[1]] >= rank[from])
                print $1 ": \"" $3 "\": " from " must not know " to[1]
        }
        $2 == "\"" && $3 ~ /^(engine|ui|app|tests)\// {
            print $1 ": \"" $3 "\": includes are written from the top of engine/"
        }'

    includes engine ui app | grep -E ' (open)?cblas' | cut -d' ' -f1 | sort -u | awk '
        { file[NR] = $0 }
        END { for (i = 2; i <= NR; i++) print file[i] ": <cblas.h>: only " file[1] " includes it" }'

    includes ui | while read -r file _ name; do
        case $name in
        engine/* | */engine/*) ;;
        *) [ -f "engine/$name" ] && [ ! -f "ui/$name" ] || continue ;;
        esac
        echo "$file: \"$name\": ui knows no engine header"
    done

    includes app/cli | awk '$3 ~ /^(glib|gio|gobject|gtk|gdk|gsk|pango|cairo|ui\/|lim-)/ {
        print $1 ": " $3 ": the command line program uses neither GTK nor ui" }'
} | sort -u | awk '{ print } END { exit NR > 0 }'
