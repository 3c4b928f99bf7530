#!/bin/bash
# usage: bare-debian.sh FOLDER     (as root; needs debootstrap, xvfb, xdotool)
# Proves the two commands on a Debian 12 that has nothing but what README.md asks for: makes one in
# FOLDER (again on every call), clones this repository's HEAD into it twice, and there
#   1. calls `make run` as root until a window shows, and closes the window;
#   2. calls `make test` as a user with sudo.
# Prints the time of each step and the packages that came with it; logs stay in FOLDER.
set -eu
[ $# = 1 ] || { sed -n '2,7s/^# //p' "$0"; exit 2; }
source=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
root=$folder/root
exec 9>"$folder/lock"

# The mounts live in a namespace of their own and end with this script.
if [ -z "${LIMEN_BARE:-}" ]; then
    LIMEN_BARE=1 exec unshare --mount --pid --fork --kill-child "$0" "$folder"
fi

flock -n 9 || { echo "$folder is in use by another run"; exit 1; }

step() { # step NAME COMMAND...: timed, output in FOLDER/NAME.log
    local name=$1 start=$SECONDS code=0
    shift
    "$@" >"$folder/$name.log" 2>&1 </dev/null || code=$?
    printf '%-8s %4d s, exit code %d: %s\n' "$name" $((SECONDS - start)) $code \
        "$(tail -n 1 "$folder/$name.log")"
    return $code
}
inside() { # inside USER COMMAND: in the bare system, from the user's home, with a clean environment
    chroot "$root" su - "$1" -c "$2"
}
packages() {
    chroot "$root" dpkg-query -W -f '${Package}\n' | sort
}
added() { # added NAME: the packages that came since the last call, in FOLDER/NAME.packages
    packages >"$folder/now"
    comm -13 "$folder/before" "$folder/now" >"$folder/$1.packages"
    echo "         $(wc -l <"$folder/$1.packages") packages came with it"
    mv "$folder/now" "$folder/before"
}

bare() { # one chain, since set -e does not reach into a step
    rm -rf --one-file-system "$root" &&
        debootstrap --variant=minbase bookworm "$root" &&
        cp /etc/resolv.conf "$root/etc/resolv.conf" &&
        mount -t proc proc "$root/proc" &&
        mount --rbind /dev "$root/dev" && # with its pts
        mount -t tmpfs tmpfs "$root/tmp" &&
        chroot "$root" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -qy --no-install-recommends git make ca-certificates sudo &&
        chroot "$root" useradd --create-home --shell /bin/bash ada &&
        echo 'ada ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ada" &&
        git clone -q --no-hardlinks "$source" "$root/root/limen" &&
        cp -a "$root/root/limen" "$root/home/ada/limen" &&
        chroot "$root" chown -R ada: /home/ada/limen
}

window() {
    local display=:$((90 + RANDOM % 900)) id= code=1 i
    Xvfb $display -screen 0 1600x1000x24 -ac >/dev/null 2>&1 &
    local server=$!
    mkdir -p "$root/tmp/.X11-unix"
    mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
    inside root "cd limen && DISPLAY=$display make run" &
    local app=$!
    for ((i = 0; i < 900; i++)); do
        id=$(DISPLAY=$display xdotool search --onlyvisible --name Limen 2>/dev/null | head -n 1)
        [ -n "$id" ] && break
        kill -0 $app 2>/dev/null || break
        sleep 1
    done
    if [ -n "$id" ]; then
        sleep 5
        DISPLAY=$display import -window root "$folder/window.png" 2>/dev/null || true
        DISPLAY=$display xdotool windowfocus --sync "$id" key ctrl+q
        wait $app && code=0 && echo "the window appeared and closed" || echo "the program failed"
    else
        echo "no window appeared"
    fi
    kill $server
    return $code
}

step bare bare
packages >"$folder/before"
failed=0
step run window || failed=1
added run
step test inside ada "cd limen && make test" || failed=1
added test
exit $failed
