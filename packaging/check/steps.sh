# shellcheck shell=bash
# What the scripts of service.sh share, which run beside a systemd that has just started.

step() { echo "  $*"; }

fail() {
    echo "  FAILED: $*"
    systemctl status --no-pager --full vault-relay.service vault-relay.socket >&2 || true
    exit 1
}

is() { [ "$(systemctl show --property "$1" --value vault-relay)" = "$2" ] || fail "$1 is not $2"; }

process() { systemctl show --property MainPID --value vault-relay; }

# Tries a command for ten seconds.
soon() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 50 ] || fail "not in ten seconds: $*"
        sleep 0.2
    done
}

answers() { curl --silent --fail --max-time 20 http://localhost:8080/health >/dev/null; }

logged() { journalctl --unit vault-relay --no-pager | grep -qF "$1"; }

other_than() { [ "$(process)" != "$1" ] && [ "$(process)" != 0 ] && systemctl is-active --quiet vault-relay; }
