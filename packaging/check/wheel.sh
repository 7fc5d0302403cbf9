#!/bin/sh
# Installs a wheel or an sdist as its user would, tries it, and takes it away again.
#
#   wheel.sh FILE     with a package index for what it needs
set -eu

venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
${PYTHON:-python3} -m venv "$venv"
"$venv/bin/pip" --disable-pip-version-check --quiet install "$1"
"$venv/bin/twistd" vault-relay --help | grep -e --max-connections >/dev/null
"$venv/bin/python" "$(dirname "$0")/smoke.py" "$venv/bin/vault-relay" >/dev/null
version=$("$venv/bin/vault-relay" --version)
"$venv/bin/pip" --disable-pip-version-check --quiet uninstall --yes vaultmesh-relay
left=$(find "$venv" -iname '*vaultrelay*' -o -iname '*vault-relay*' -o -iname '*vaultmesh*')
[ -z "$left" ] || { echo "wheel.sh: uninstalling left $left" >&2; exit 1; }

"$venv/bin/pip" --disable-pip-version-check --quiet install pipx
export PIPX_HOME="$venv/pipx" PIPX_BIN_DIR="$venv/pipx/bin" PIPX_MAN_DIR="$venv/pipx/man"
"$venv/bin/pipx" install --python "$venv/bin/python" "$1" >"$venv/log" 2>&1 || { cat "$venv/log" >&2; exit 1; }
"$PIPX_BIN_DIR/vault-relay" --version >/dev/null
echo "ok    $(basename "$1"): installed by pip and by pipx, answered as $version, removed"
