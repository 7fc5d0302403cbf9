#!/bin/sh
# Installs the programs that tests/system runs, on Debian and Ubuntu, as root or by sudo without a
# password. None of their services is started. What is missing in the end is said, and its tests are
# skipped: the exit status is always 0. With arguments, each a program:package, it is those alone.
set -u

PATH=$PATH:/usr/sbin:/sbin

# Program and package; what is not in the packages of every system stands last.
PROGRAMS=${*:-nginx:nginx-light haproxy:haproxy caddy:caddy chromium:chromium promtool:prometheus}
PERHAPS=$([ $# -gt 0 ] || echo traefik:traefik)

missing() {
    for each in "$@"; do
        command -v "${each%%:*}" >/dev/null || printf '%s ' "${each##*:}"
    done
}

give_up() {
    echo "install.sh: $1, so the tests of these are skipped: $wanted" >&2
    exit 0
}

# shellcheck disable=SC2086  # lists are split on purpose
wanted=$(missing $PROGRAMS $PERHAPS)
[ -n "$wanted" ] || exit 0
command -v apt-get >/dev/null || give_up "there is no apt-get here"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || give_up "this user is not root and has no sudo without a password"
    as_root="sudo -n"
fi

apt_get() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        "$@" >/dev/null 2>&1
}

# shellcheck disable=SC2086
[ -z "$(missing $PROGRAMS)" ] || apt_get update || echo "install.sh: apt-get update failed" >&2

# Packages ask this file before they start anything. Where there is one, its owner has decided.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '$as_root rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
fi

for package in $wanted; do
    if ! apt-cache show "$package" >/dev/null 2>&1; then
        echo "install.sh: $package is not in this system's packages; its tests are skipped" >&2
    elif ! apt_get install "$package"; then
        echo "install.sh: apt-get could not install $package; its tests are skipped" >&2
    else
        # Nor at the next boot.
        $as_root systemctl disable "${package%-light}" >/dev/null 2>&1
        echo "install.sh: installed $package"
    fi
done
exit 0
