#!/bin/bash
# What service.sh runs in the container after inside.sh: install.sh and uninstall.sh of the archive.
set -eu

cd /check
# shellcheck source=packaging/check/steps.sh
. ./steps.sh
home=/usr/local/lib/vaultmesh-relay
options=/etc/vault-relay/environment
state=/var/lib/vault-relay

# Of users there may be some, and of accounts.
files() {
    find / -xdev \( -name '*vault-relay*' -o -name '*vaultmesh*' \) -not -path '/proc/*' -not -path '/check/*' \
        -not -path '/var/log/*' -not -path '/sys/*' -not -path '/tmp/*' -not -path '/var/lib/systemd/*'
}

tar -xf relay.tar.gz
vaultmesh-relay/install.sh >&2 || fail "install.sh"
! systemctl is-active --quiet vault-relay || fail "install.sh started the relay"
id vault-relay >/dev/null || fail "there is no user vault-relay"
[ "$(stat -c '%a %U %G' $options)" = "640 root vault-relay" ] || fail "the environment file is $(stat -c '%a %U %G' $options)"
systemctl enable --quiet --now vault-relay
soon answers
/usr/local/bin/vault-relay check ws://localhost:8080 >&2 || fail "vault-relay check"
step "the archive: install.sh, started as a service"

echo 'RELAY_NODE_NAME=kept' >> $options
systemctl enable --quiet --now vault-relay@1
systemctl start vault-relay
soon answers
before=$(process)
vaultmesh-relay/install.sh >&2 || fail "install.sh"
soon other_than "$before"
soon answers
grep -q kept $options || fail "the upgrade lost the environment file"
step "the archive: installed again, which restarted the service and kept its options"

touch $state/mailbox.db
$home/uninstall.sh >&2 || fail "uninstall.sh"
! answers || fail "it still runs"
grep -q kept $options || fail "uninstall.sh took the environment file"
[ -e $state/mailbox.db ] || fail "uninstall.sh took the mailbox"
! systemctl cat vault-relay >/dev/null 2>&1 || fail "the unit is still there"
vaultmesh-relay/uninstall.sh >&2 || fail "uninstall.sh with nothing installed"
vaultmesh-relay/install.sh >&2
grep -q kept $options || fail "the installation replaced the environment file"
$home/uninstall.sh --purge >&2 || fail "uninstall.sh --purge"
left=$(files)
[ -z "$left" ] || fail "uninstall.sh --purge left $left"
step "the archive: uninstall.sh left nothing but the user, and options and mailbox until --purge"
echo "All passed."
