#!/bin/sh
# Installs what the checks of the packages run, beyond what making them takes. As root, on Debian or
# Ubuntu. Ends with 2, and says why, where that cannot be.
set -eu

PATH=$PATH:/usr/sbin:/sbin
programs="podman:podman runc:runc iptables:iptables systemd-nspawn:systemd-container script:bsdutils
    openssl:openssl ssh-keygen:openssh-client cc:gcc"

missing() {
    for each in $programs; do
        command -v "${each%%:*}" >/dev/null || printf '%s ' "${each##*:}"
    done
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "install.sh: these packages are missing: $wanted; make package-check installs them on Debian and Ubuntu, as root" >&2
    exit 2
fi
echo "install.sh: installing $wanted"
apt-get -qq update
# shellcheck disable=SC2086  # a list
DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $wanted libc6-dev >/dev/null
wanted=$(missing)
[ -z "$wanted" ] || { echo "install.sh: still missing: $wanted" >&2; exit 2; }
