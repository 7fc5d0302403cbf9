#!/bin/bash
# What service.sh runs in the container, as root, beside a systemd that has just started.
set -eu

cd /check
# shellcheck source=packaging/check/steps.sh
. ./steps.sh
conf=/etc/systemd/system/vault-relay.service.d
examples=/usr/share/doc/vaultmesh-relay/systemd
state=/var/lib/vault-relay

threshold=--threshold=15

# Whether systemd has judgements by a threshold, and names the folder of credentials in the unit.
modern() { [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -ge 250 ]; }

# One restart after the other, while four clients ask all the time.
restarts() {
    rm -f over failed answered
    for _ in 1 2 3 4; do
        while [ ! -e over ]; do
            if answers; then echo >> answered; else echo >> failed; fi
        done &
    done
    for _ in 1 2 3 4 5; do
        # systemd starts nothing more than five times in ten seconds.
        systemctl reset-failed vault-relay
        systemctl restart vault-relay
        sleep 0.3
    done
    touch over
    wait
}

# A plain root has no such file.
grep -qs localhost /etc/hosts || echo '127.0.0.1 localhost' >> /etc/hosts

dpkg --install relay.deb >&2
soon answers
is ActiveState active
systemctl is-enabled --quiet vault-relay || fail "the package did not enable the service"
vault-relay check ws://localhost:8080 >&2 || fail "vault-relay check"
runuser -u vault-relay -- vault-relay healthcheck --runtime-folder /run/vault-relay >&2 || fail "healthcheck"
is Type notify
[ "$(stat -c '%a %U %G' $state)" = "700 vault-relay vault-relay" ] || fail "$state is $(stat -c '%a %U %G' $state)"
[ -z "$(ls -A $state)" ] || fail "a relay without a mailbox wrote into $state"
printf 'RELAY_MAILBOX=%s\nRELAY_MAILBOX_OPEN=yes\n' "$state" >> /etc/vault-relay/environment
systemctl restart vault-relay
soon answers
vault-relay check --json ws://localhost:8080 | grep -q item_bytes || fail "the service keeps no mailbox"
sed -i '/^RELAY_MAILBOX/d' /etc/vault-relay/environment
systemctl restart vault-relay
soon answers
rm -r "$state"/*
soon sh -c 'systemctl show --property StatusText vault-relay | grep -q "0 devices joined"'
step "installed, started, enabled; it says: $(systemctl show --property StatusText --value vault-relay)"

modern || threshold=''
# shellcheck disable=SC2086  # none for an older one
systemd-analyze security --no-pager $threshold vault-relay >&2 || fail "exposed by more than 1.5"
step "$(systemd-analyze security --no-pager vault-relay | tail -n 1 | sed 's/^[^O]*//; s/ [^ ]*$//')"

before=$(process)
echo 'session-ttl = 77' > /etc/vault-relay/relay.toml
echo 'RELAY_CONFIG=/etc/vault-relay/relay.toml' >> /etc/vault-relay/environment
systemctl restart vault-relay
other_than "$before" || fail "restart"
before=$(process)
echo 'session-ttl = 78' > /etc/vault-relay/relay.toml
systemctl reload vault-relay
soon logged 'changed: session-ttl=78'
soon sh -c '[ "$(systemctl show --property ActiveState --value vault-relay)" = active ]'
is MainPID "$before"
step "reloaded, in the same process"

mkdir -p $conf
printf '[Service]\nWatchdogSec=2\nRestartSec=0\n' > $conf/quick.conf
systemctl daemon-reload
systemctl restart vault-relay
before=$(process)
sleep 4
is MainPID "$before"
kill -STOP "$before"
soon other_than "$before"
logged 'Watchdog timeout' || fail "it was not the watchdog"
soon answers
step "stopped by SIGSTOP: the watchdog started another one"

before=$(process)
kill -KILL "$before"
soon other_than "$before"
soon answers
step "killed: started anew"
rm $conf/quick.conf

cp $examples/socket.conf $conf
systemctl daemon-reload
systemctl stop vault-relay
systemctl reset-failed vault-relay
systemctl enable --quiet --now vault-relay.socket
is ActiveState inactive
answers || fail "nobody answers at the socket"
is ActiveState active
restarts
[ ! -e failed ] || fail "$(wc -l < failed) requests failed of $(wc -l < answered)"
step "five restarts on the socket: $(wc -l < answered) requests, none failed"
systemctl disable --quiet --now vault-relay.socket
rm $conf/socket.conf

systemctl enable --quiet --now vault-relay@1 vault-relay@2
for worker in 1 2; do
    soon runuser -u vault-relay -- vault-relay healthcheck --runtime-folder /run/vault-relay/$worker
done
is ActiveState inactive
vault-relay status http://localhost:9091 http://localhost:9092 >&2 || fail "vault-relay status"
systemctl restart vault-relay@1
soon runuser -u vault-relay -- vault-relay healthcheck --runtime-folder /run/vault-relay/1
systemctl disable --quiet --now vault-relay@1 vault-relay@2
step "two workers in the place of the one relay, and one of them restarted"

if modern; then
    cp $examples/port-443.conf $examples/credentials.conf $conf
    install -m 600 tls.crt tls.key /etc/vault-relay
    systemctl daemon-reload
    systemctl reset-failed vault-relay
    systemctl restart vault-relay
    curl --silent --fail --cacert tls.crt https://localhost/health >&2 || fail "no answer on port 443"
    systemd-analyze security --no-pager $threshold vault-relay >&2 || fail "exposed by more than 1.5"
    step "port 443 with a key that only root can read"
else
    step "skipped: port 443 with a key that only root can read, which needs systemd 250"
fi
rm -r $conf
systemctl daemon-reload

systemctl restart vault-relay
before=$(process)
dpkg-deb --raw-extract relay.deb next
sed -i 's/^Version: .*/&+next/' next/DEBIAN/control
dpkg-deb --root-owner-group -Znone --build next next.deb >&2
dpkg --install next.deb >&2
soon other_than "$before"
soon answers
grep -q relay.toml /etc/vault-relay/environment || fail "the upgrade lost the environment file"
step "upgraded: started anew, the environment file kept"

systemctl disable --quiet vault-relay
dpkg --install relay.deb >&2
! systemctl is-enabled --quiet vault-relay || fail "the package enabled what its operator disabled"
step "disabled, it stays so"

touch $state/mailbox.db
dpkg --remove vaultmesh-relay >&2
! answers || fail "it still runs"
[ -e $state/mailbox.db ] || fail "the removal took the mailbox"
[ -e /etc/vault-relay/environment ] || fail "the removal took the environment file"
step "removed: stopped, the environment file and the mailbox kept"

rm -f /etc/vault-relay/relay.toml /etc/vault-relay/tls.*
dpkg --purge vaultmesh-relay >&2
left=$(find / -xdev \( -name '*vault-relay*' -o -name '*vaultmesh*' \) -not -path '/proc/*' -not -path '/check/*' \
    -not -path '/var/log/*' -not -path '/sys/*')
[ -z "$left" ] || fail "the purge left $left"
step "purged: nothing left but its user"
