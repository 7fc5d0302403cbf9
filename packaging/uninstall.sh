#!/bin/sh
# Removes what install.sh installed. What is in /etc/vault-relay and /var/lib/vault-relay stays, and the user
# vault-relay.
#
#   ./uninstall.sh [--purge]     --purge removes /etc/vault-relay/environment, additions to the units, and the
#                                mailbox in /var/lib/vault-relay, too
#
# PREFIX and DESTDIR are those of install.sh. PREFIX is where this file was installed, else /usr/local.
set -eu

DESTDIR=${DESTDIR:-} DESTDIR=${DESTDIR%/}
here=$(cd "$(dirname "$0")" && pwd -P)
installed=${here%/lib/vaultmesh-relay}
[ "$installed" != "$here" ] || installed=/usr/local
PREFIX=${PREFIX:-${installed#"$DESTDIR"}} PREFIX=${PREFIX%/}
home=$DESTDIR$PREFIX/lib/vaultmesh-relay
units=$DESTDIR/etc/systemd/system
running=''
[ -n "$DESTDIR" ] || [ ! -d /run/systemd/system ] || running=yes

fail() { echo "uninstall.sh: $*" >&2; exit 2; }

say() { echo "uninstall.sh: $*"; }

# remove PATH...: what there is of these.
remove() {
    for path in "$@"; do
        [ -e "$path" ] || [ -L "$path" ] || continue
        rm -rf "$path" 2>/dev/null || fail "$path cannot be removed: run uninstall.sh as root"
        say "removed $path"
    done
}

service() {
    grep -qs "^ExecStart=$PREFIX/bin/vault-relay" "$units/vault-relay.service" || return 0
    [ -w "$units" ] || fail "$units cannot be written: run uninstall.sh as root"
    if [ -n "$running" ]; then
        systemctl --quiet disable --now vault-relay.socket vault-relay.service || true
        systemctl stop 'vault-relay@*.service' || true
        say "the relay is stopped"
    fi
    remove "$units"/vault-relay.service "$units"/vault-relay@.service "$units"/vault-relay.socket \
        "$units"/*.wants/vault-relay@*.service "$DESTDIR/etc/sysusers.d/vault-relay.conf"
    [ -z "$running" ] || systemctl daemon-reload
}

configuration() {
    folder=$DESTDIR/etc/vault-relay
    if [ -n "$purge" ]; then
        remove "$folder/environment" "$units"/vault-relay.service.d "$units"/vault-relay@*.service.d \
            "$units"/vault-relay.socket.d
        rmdir "$folder" 2>/dev/null || true
    fi
    [ ! -d "$folder" ] || say "kept $folder: $(cd "$folder" && echo ./* | sed 's|\./||g')"
}

mailbox() {
    folder=$DESTDIR/var/lib/vault-relay
    # Another relay of this machine may use it, such as that of the Debian package.
    for unit in "$units/vault-relay.service" "$DESTDIR/usr/lib/systemd/system/vault-relay.service"; do
        [ ! -e "$unit" ] || return 0
    done
    if [ -n "$purge" ]; then
        remove "$folder"
    else
        rmdir "$folder" 2>/dev/null || true
        [ ! -d "$folder" ] || say "kept $folder, the mailbox"
    fi
}

# All of it is read before the folder that it lies in goes.
main() {
    purge=''
    for argument in "$@"; do
        case $argument in
            --purge) purge=yes ;;
            --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
            *) fail "$argument is no option: see $0 --help" ;;
        esac
    done
    service
    case $(readlink "$DESTDIR$PREFIX/bin/vault-relay" || true) in
        */lib/vaultmesh-relay/vault-relay) remove "$DESTDIR$PREFIX/bin/vault-relay" ;;
    esac
    if [ -e "$home/lib/vault-relay" ]; then
        remove "$DESTDIR$PREFIX/share/man/man1/vault-relay.1" "$home"
    else
        say "there is no relay in $home"
    fi
    configuration
    mailbox
    [ -n "$DESTDIR" ] || ! id vault-relay >/dev/null 2>&1 ||
        say "kept the user vault-relay, to which files may belong: userdel vault-relay removes it"
    exit
}
main "$@"
