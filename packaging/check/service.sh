#!/bin/sh
# Boots a Debian with systemd in a container, and installs, runs and removes the package and the archive there.
#
#   service.sh DEB ARCHIVE ROOT     ROOT: a Debian with systemd-sysv, dbus and curl, left as it is; as root
set -eu

deb=$1 archive=$2 root=$3
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$deb" "$work/relay.deb"
cp "$archive" "$work/relay.tar.gz"
cp "$here/inside.sh" "$here/archive.sh" "$here/steps.sh" "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
cat > "$work/relay-check.service" <<'UNIT'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
TimeoutStartSec=300
ExecStart=/bin/bash /check/inside.sh
ExecStart=/bin/bash /check/archive.sh
StandardOutput=append:/check/said
StandardError=append:/check/errors
UNIT

# Without a terminal the container says nothing, and does not end.
timeout --kill-after=10 400 script --quiet --flush --return --command "systemd-nspawn --quiet --register=no --keep-unit \
    --private-network --ephemeral --directory=$root --bind=$work:/check \
    --bind-ro=$work/relay-check.service:/etc/systemd/system/relay-check.service \
    --boot systemd.wants=relay-check.service" "$work/console" >/dev/null || true

cat "$work/said" 2>/dev/null || true
grep -qx 'All passed.' "$work/said" 2>/dev/null && exit 0
echo "service.sh: the check did not come to its end. What was said last:" >&2
tail -n 25 "$work/errors" "$work/console" >&2 2>/dev/null || true
exit 1
