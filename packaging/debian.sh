#!/bin/sh
# Makes a plain Debian root: to build in, to take a C library from, or to try the package in.
#
#   debian.sh SUITE MACHINE FOLDER [PACKAGE,…]     MACHINE: x86_64 or aarch64; as root
#
# One of another kind than this machine is unpacked only: to run its packages' scripts under emulation
# would take minutes.
set -eu

suite=$1 machine=$2 root=$3 packages=${4:-}
PATH=$PATH:/usr/sbin:/sbin

case $machine in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    *) echo "debian.sh: $machine is neither x86_64 nor aarch64" >&2; exit 2 ;;
esac
if [ "$(id -u)" -ne 0 ]; then
    echo "debian.sh: run make as root, which chroot and mmdebstrap need" >&2
    exit 2
fi

need() {
    command=$1
    shift
    command -v "$command" >/dev/null && return
    echo "debian.sh: installing $*"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$@" >/dev/null
    command -v "$command" >/dev/null || {
        echo "debian.sh: $command is missing, and $* did not bring it" >&2
        exit 2
    }
}

mirror=http://deb.debian.org/debian
# With its security fixes, but for the oldest: nothing of that goes into a package, and its fixes are not
# there for every machine.
security="deb $mirror-security $suite-security main"
[ "$suite" != bullseye ] || security=
variant=minbase
need mmdebstrap mmdebstrap debian-archive-keyring
if [ "$machine" != "$(uname -m)" ]; then
    need "qemu-$machine-static" qemu-user-static
    need update-binfmts binfmt-support
    formats=/proc/sys/fs/binfmt_misc
    [ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats"
    [ -e "$formats/qemu-$machine" ] || update-binfmts --enable "qemu-$machine"
    variant=extract
    packages=base-files,base-passwd,bash,coreutils,dash,grep,libc-bin,sed${packages:+,$packages}
fi

# What is still mounted there stays.
rm -rf --one-file-system "$root"
mkdir -p "$root"
mmdebstrap --variant=$variant --arch=$debian ${packages:+--include="$packages"} "$suite" "$root" $mirror \
    ${security:+"$security"} >"$root.log" 2>&1 || {
    tail -n 5 "$root.log" >&2
    exit 1
}
if [ $variant = extract ]; then
    mkdir -p "$root/opt"
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
fi
touch "$root/made"
