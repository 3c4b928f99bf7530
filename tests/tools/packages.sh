#!/bin/sh
# usage: tests/tools/packages.sh SECTION...
# Installs the Debian packages of these sections of packages.txt that are missing. Says nothing and
# touches no network when nothing is missing.
set -u
list=$(dirname "$0")/packages.txt

packages=$(for section; do
    awk -v want="[$section]" '/^\[/ { found = $1 == want; any = any || found; next }
        found && NF && !/^#/ { print $1 }
        END { exit !any }' "$list" || { echo "packages.txt has no section $section" >&2; exit 2; }
done) || exit 2
packages=$(printf '%s\n' $packages | sort -u)

cannot() {
    echo "Cannot install packages here ($1). Limen needs these Debian 12 packages:" $missing >&2
    exit 1
}

missing=$packages
command -v dpkg-query >/dev/null || cannot "this is not Debian"
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null |
    sed -n 's/^installed //p')
missing=$(for package in $packages; do
    printf '%s\n' $installed | grep -qxF "$package" || echo "$package"
done)
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null; then
    sudo=sudo
else
    cannot "neither root nor sudo"
fi
echo "Installing:" $missing
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
$apt update || cannot "apt-get update failed"
$apt install -y --no-install-recommends $missing || cannot "apt-get install failed"
