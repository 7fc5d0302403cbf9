#!/bin/sh
# Installs the relay from the unpacked folder in which this file lies. Run that of a newer archive for an upgrade:
# the program is replaced, the configuration kept.
#
#   ./install.sh [--systemd | --no-systemd]
#
# With --systemd, the default for root on a machine that runs systemd, also installs the units, the user
# vault-relay and /etc/vault-relay/environment. Nothing is started; a service that runs is restarted.
#
#   PREFIX     where to install; /usr/local by default. PREFIX=$HOME/.local needs no root
#   DESTDIR    a folder that stands for /, for packagers: no user is made, no service touched
set -eu
umask 022

PREFIX=${PREFIX:-/usr/local} PREFIX=${PREFIX%/} DESTDIR=${DESTDIR:-} DESTDIR=${DESTDIR%/}
here=$(cd "$(dirname "$0")" && pwd -P)
home=$DESTDIR$PREFIX/lib/vaultmesh-relay
link=$DESTDIR$PREFIX/bin/vault-relay
units=$DESTDIR/etc/systemd/system
options=$DESTDIR/etc/vault-relay/environment
running=''
[ -n "$DESTDIR" ] || [ ! -d /run/systemd/system ] || running=yes

fail() { echo "install.sh: $*" >&2; exit 2; }

say() { echo "install.sh: $*"; }

choose() {
    systemd=''
    [ -z "$running" ] || [ "$(id -u)" -ne 0 ] || systemd=yes
    for argument in "$@"; do
        case $argument in
            --systemd) systemd=yes ;;
            --no-systemd) systemd='' ;;
            --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
            *) fail "$argument is no option: see $0 --help" ;;
        esac
    done
    case $PREFIX in
        '' | [!/]* | *[!A-Za-z0-9._/+-]*) fail "PREFIX is '$PREFIX': it must be an absolute path of plain characters" ;;
    esac
}

check() {
    [ -x "$here/lib/vault-relay" ] || fail "$here has no relay in it: run install.sh in the unpacked folder"
    for folder in "$home" "$link" ${systemd:+"$units/unit" "$options"}; do
        mkdir -p "${folder%/*}" 2>/dev/null || true
        [ -w "${folder%/*}" ] ||
            fail "${folder%/*} cannot be written. Run install.sh as root, or with PREFIX=\$HOME/.local for yourself alone"
    done
    [ -z "$systemd" ] || [ -n "$DESTDIR" ] || [ ! -e /usr/lib/systemd/system/vault-relay.service ] ||
        fail "the Debian package is installed, with units of its own: apt remove vaultmesh-relay, or --no-systemd"
    [ -n "$DESTDIR" ] || version=$("$here/vault-relay" --version) ||
        fail "the relay of this archive does not run on this machine, which is a $(uname -m)"
}

program() {
    if [ "$here" != "$home" ]; then
        rm -rf "$home.new" "$home.old"
        cp -R "$here" "$home.new"
        [ ! -d "$home" ] || mv "$home" "$home.old"
        mv "$home.new" "$home"
        rm -rf "$home.old"
    fi
    say "${version:-the relay} is in $home, documents too: README.rst, docs/operations.rst"
    [ -L "$link" ] || [ ! -e "$link" ] || say "$link was a file, and is a link now"
    # Not into a folder of that name, and not through the old link.
    rm -f "$link"
    ln -s ../lib/vaultmesh-relay/vault-relay "$link"
    say "$link leads to it"
    mkdir -p "$DESTDIR$PREFIX/share/man/man1"
    cp "$here/vault-relay.1" "$DESTDIR$PREFIX/share/man/man1/"
}

service() {
    mkdir -p "$units" "$DESTDIR/etc/sysusers.d"
    cp "$here/systemd/vault-relay.sysusers" "$DESTDIR/etc/sysusers.d/vault-relay.conf"
    for unit in vault-relay.service vault-relay@.service vault-relay.socket; do
        sed "s|/usr/local/bin/|$PREFIX/bin/|" "$here/systemd/$unit" > "$units/$unit"
    done
    say "the units are in $units"
    if [ -z "$DESTDIR" ]; then
        id vault-relay >/dev/null 2>&1 || systemd-sysusers vault-relay.conf 2>/dev/null ||
            useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin vault-relay
        id vault-relay >/dev/null || fail "the user vault-relay could not be made"
        say "the user vault-relay is there"
    fi
    if [ -e "$options" ]; then
        say "$options is kept as it is"
    else
        cp "$here/systemd/vault-relay.environment" "$options"
        chmod 640 "$options"
        [ -n "$DESTDIR" ] || chgrp vault-relay "$options"
        say "$options has the options"
    fi
    [ -n "$running" ] || return 0
    systemctl daemon-reload
    # Of workers behind HAProxy one after the other, so that each drains to the rest.
    for unit in vault-relay.service $(systemctl list-units --plain --no-legend 'vault-relay@*.service' | cut -d ' ' -f 1); do
        systemctl try-restart "$unit" || say "$unit did not restart: systemctl status $unit"
    done
    systemctl is-active --quiet vault-relay.service || say "to start the relay now and at each boot:" \
        "systemctl enable --now vault-relay"
}

# All of it is read before the folder that it lies in may go.
main() {
    choose "$@"
    check
    program
    if [ -n "$systemd" ]; then
        service
    else
        say "no service was installed. To start the relay: $PREFIX/bin/vault-relay. Restart one that runs"
    fi
    exit
}
main "$@"
