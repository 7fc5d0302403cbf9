#!/bin/sh
# Installs the Debian package of another kind of machine in a root of that kind, tries the relay, and
# takes it away again. No systemd runs there: service.sh has that.
#
#   deb.sh DEB ROOT     ROOT: unpacked by debian.sh, with dpkg and systemd; as root
set -eu

deb=$1 root=$2
port=18080

fail() { echo "deb.sh: $*" >&2; exit 1; }

inside() { LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"; }

# Nothing in that root is configured, so dpkg finds none of what the package depends on.
install() { inside dpkg --force-depends "$@" >"$root.log" 2>&1 || { cat "$root.log" >&2; exit 1; }; }

mount -t proc proc "$root/proc"
relay=''
trap '[ -z "$relay" ] || kill -KILL "$relay"; umount "$root/proc"' EXIT

cp "$deb" "$root/relay.deb"
install --install /relay.deb
inside id vault-relay >/dev/null || fail "there is no user vault-relay"
chroot "$root" /usr/bin/vault-relay --port $port --bind 127.0.0.1 --log-level error \
    --mailbox /var/lib/vault-relay --mailbox-open &
relay=$!
sleep 1
tries=0
until inside vault-relay healthcheck --port $port >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 30 ] || fail "the relay is not there"
    sleep 1
done
inside vault-relay check --json "ws://127.0.0.1:$port" >"$root.log" || { cat "$root.log" >&2; fail "check"; }
grep -q item_bytes "$root.log" || fail "there is no mailbox"
kill "$relay"
wait "$relay" || fail "the relay ended with $?"
relay=''
echo '# kept' >> "$root/etc/vault-relay/environment"
install --install /relay.deb
grep -q '# kept' "$root/etc/vault-relay/environment" || fail "a second installation lost the environment file"
install --remove vaultmesh-relay
[ -e "$root/etc/vault-relay/environment" ] || fail "the removal took the environment file"
[ -e "$root/var/lib/vault-relay/mailbox.db" ] || fail "the removal took the mailbox"
install --purge vaultmesh-relay
left=$(find "$root" -xdev \( -name '*vault-relay*' -o -name '*vaultmesh*' \) -not -path "$root/tmp/*")
[ -z "$left" ] || fail "the purge left $left"
echo "  $(basename "$deb"): installed, answered, removed, purged"
