#!/bin/sh
# Makes a plain Debian root: to build in, to take a C library from, or to try the package in.
#
#   debian.sh SUITE MACHINE FOLDER [PACKAGE,…]     MACHINE: x86_64 or aarch64; as root
set -eu

suite=$1 machine=$2 root=$3 packages=${4:-}
PATH=$PATH:/usr/sbin:/sbin

case $machine in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    *) echo "debian.sh: $machine is neither x86_64 nor aarch64" >&2; exit 2 ;;
esac
if [ "$(id -u)" -ne 0 ]; then
    echo "debian.sh: run make as root, which chroot and debootstrap need" >&2
    exit 2
fi

# A command, or a file by its whole name, and the package that has it.
need() {
    command -v "$1" >/dev/null || [ -e "$1" ] && return
    echo "debian.sh: installing $2"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$2" >/dev/null
    command -v "$1" >/dev/null || [ -e "$1" ] || {
        echo "debian.sh: $1 is missing, and $2 did not bring it" >&2
        exit 2
    }
}

# Without Debian's keys, as on an Ubuntu, debootstrap believes any mirror.
keys=/usr/share/keyrings/debian-archive-keyring.gpg
need debootstrap debootstrap
need gpgv gpgv
need $keys debian-archive-keyring
if [ "$machine" != "$(uname -m)" ]; then
    need "qemu-$machine-static" qemu-user-static
    need update-binfmts binfmt-support
    formats=/proc/sys/fs/binfmt_misc
    [ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats"
    [ -e "$formats/qemu-$machine" ] || update-binfmts --enable "qemu-$machine"
fi

# What is still mounted there stays.
rm -rf --one-file-system "$root"
mkdir -p "$root"
debootstrap --force-check-gpg --keyring=$keys --variant=minbase --arch=$debian \
    ${packages:+--include="$packages"} "$suite" "$root" >"$root.log" || {
    tail -n 5 "$root.log" >&2
    exit 1
}
touch "$root/made"
