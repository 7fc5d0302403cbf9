#!/bin/sh
# Lets install.sh and uninstall.sh of the archive work in another system, without its systemd.
#
#   installer.sh ROOT ARCHIVE     as root
set -eu

root=$1 archive=$2
unpacked=$root/root/unpacked

fail() { echo "installer.sh: $*" >&2; exit 1; }

inside() { env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$root" "$@"; }

state() { (cd "$root" && find . -xdev -path ./root -prune -o -path ./tmp -prune -o -printf '%p %y %m %u %g %l\n' | sort); }

files() { (cd "$root/usr/local" && find . -type f -exec cksum {} + | sort); }

rm -rf "$unpacked" "$root/usr/local/lib/vaultmesh-relay" "$root/etc/vault-relay"
# A root that was only unpacked has not even these.
mkdir -p "$unpacked" "$root/usr/local/bin" "$root/usr/local/lib" "$root/usr/local/share"
tar -xf "$archive" -C "$unpacked"
state > "$root.before"

# Into another root, as for a package; with units, since it is asked for them.
inside env DESTDIR=/root/staged PREFIX=/usr /root/unpacked/vaultmesh-relay/install.sh --systemd >/dev/null
grep -q '^ExecStart=/usr/bin/vault-relay$' "$root/root/staged/etc/systemd/system/vault-relay.service" ||
    fail "the unit does not start the program where it was installed"
inside env DESTDIR=/root/staged PREFIX=/usr /root/unpacked/vaultmesh-relay/uninstall.sh --purge >/dev/null
left=$(find "$root/root/staged" ! -type d)
[ -z "$left" ] || fail "uninstall.sh --purge left $left"
state | cmp -s - "$root.before" || fail "with DESTDIR it changed something outside"

# For everybody, twice. A copy of the program is in its place, as people try it first.
cp "$unpacked/vaultmesh-relay/vault-relay" "$root/usr/local/bin"
inside /root/unpacked/vaultmesh-relay/install.sh >/dev/null
state > "$root.installed" && files > "$root.files"
inside /root/unpacked/vaultmesh-relay/install.sh >/dev/null
state | cmp -s - "$root.installed" || fail "a second installation changed something"
files | cmp -s - "$root.files" || fail "a second installation changed files"
inside /usr/local/bin/vault-relay --version >/dev/null
[ ! -e "$root/etc/vault-relay" ] || fail "it made /etc/vault-relay where no systemd is"
inside chroot --userspec=65532:65532 / /usr/local/bin/vault-relay --version >/dev/null ||
    fail "another user cannot run it"

inside /usr/local/lib/vaultmesh-relay/uninstall.sh >/dev/null
state | grep -v '^\./usr/local/share/man' > "$root.after"
grep -v '^\./usr/local/share/man' "$root.before" | cmp -s - "$root.after" || {
    diff "$root.before" "$root.after" >&2 || true
    fail "uninstall.sh left something behind, or removed too much"
}
inside /root/unpacked/vaultmesh-relay/uninstall.sh >/dev/null || fail "with nothing installed, uninstall.sh ended with $?"
rm -rf "$root/root/unpacked" "$root/root/staged" "$root.before" "$root.installed" "$root.files" "$root.after"
