#!/bin/sh
# usage: tests/tools/screenshots.sh BUILD [FOLDER]
# Takes the pictures of the README with the window of the build folder BUILD, on a display of its
# own, into FOLDER (resources/screenshots). Needs xvfb, xdotool and imagemagick.
#
# The settings of a picture reach the window as they would reach it from a person: limen-cli writes
# a sheet that carries them, and the window opens it.
set -e
build=$(realpath "$1")
cd "$(dirname "$0")/../.."
out=$(realpath -m "${2:-resources/screenshots}")
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -p "$out" "$home/limen" "$home/gtk-4.0"
printf '[Settings]\ngtk-font-name=Cantarell 11\n' >"$home/gtk-4.0/settings.ini"
model=${LIMEN_DATA:-resources}/models/fashion-gan.safetensors

# Places to click at, in pixels of the picture: "X,Y X,Y ..."
clicks=
# A key to press first, and how long to wait then; and after the clicks.
key=
wait=1
after=2

# shot NAME WIDTH HEIGHT light|dark COMMAND OF limen-cli [FLAG]...
shot() {
    name=$1 width=$2 height=$3 style=$4 command=$5
    shift 5
    if [ "$command" = attack ]; then
        "$build/app/cli/limen-cli" attack "$@" --quiet --out "$home/attacked" >/dev/null
        mv "$home"/attacked/*.png "$home/settings.png"
    else
        "$build/app/cli/limen-cli" "$command" "$model" "$@" --quiet --out "$home/settings.png" \
            >/dev/null
    fi
    # Without a window manager GTK draws a frame of five pixels, which is cut off.
    printf '[window]\nwidth=%d\nheight=%d\nstyle=%s\n' \
        $((width + 10)) $((height + 10)) "$style" >"$home/limen/window.ini"
    XDG_CONFIG_HOME=$home GSK_RENDERER=cairo GDK_BACKEND=x11 \
        tests/tools/with-display.sh "$((width + 10))x$((height + 10))" dbus-run-session -- sh -c '
            xdotool mousemove 1 1
            "$1/app/limen" "$2" & pid=$!
            sleep "${DELAY:-12}" # outlasts the message that settings were restored; fills the trade-off
            [ -z "$5" ] || { xdotool key "$5"; sleep "$6"; }
            for at in $4; do
                xdotool mousemove $((${at%,*} + 5)) $((${at#*,} + 5)) sleep 0.3 click 1 sleep 0.3
            done
            [ -z "$4" ] || { xdotool mousemove 1 1; sleep "$7"; }
            import -window root "$3"
            kill $pid' sh "$build" "$home/settings.png" "$out/$name.png" "$clicks" "$key" "$wait" "$after" \
            >/dev/null 2>&1
    mogrify -shave 5x5 +repage -dither None -colors 256 "$out/$name.png" # as good to the eye, and small
    echo "$out/$name.png"
}

for style in light dark; do
    shot generate-1280x800-$style 1280 800 $style sample --seed 1
    shot generate-1920x1080-$style 1920 1080 $style sample --seed 1
done
shot sheet-1280x800-light 1280 800 light sweep --rows class --columns threshold
shot interpolation-1280x800-light 1280 800 light interpolate --rows 6
# Five pins on three samples: the first comes with the settings, the others are clicked.
clicks="598,340 720,324 872,330 500,600"
shot attention-1280x800-light 1280 800 light attention --class 9 --samples 3 --at 19,18
clicks=
shot attack-1280x800-light 1280 800 light attack boundary --queries 5000
# A defence, and the page Layers.
clicks="1223,560"
shot defence-1280x800-light 1280 800 light attack pgd --norm linf --epsilon 0.1 --queries 1000 \
    --denoiser resources/models/fashion-denoiser-lgd.safetensors --oblivious
clicks=
# One perturbation for all pictures, made while one waits.
key=alt+3 wait=40
shot universal-1280x800-light 1280 800 light sample --seed 1
# Dense adversaries: a scene attacked to the end, and how perturbations transfer.
key=alt+4 wait=45
shot scenes-1280x800-light 1280 800 light sample --seed 1
shot scenes-1280x800-dark 1280 800 dark sample --seed 1
clicks="1231,605 390,605" after=240
shot transfer-1280x800-light 1280 800 light sample --seed 1
clicks= key= after=2
