"""The two units of systemd, of one relay and of workers, do not drift apart."""

from pathlib import Path

import pytest

from vaultrelay.app.exit_status import USAGE_ERROR

SYSTEMD = Path(__file__).parents[2] / "systemd"
OF_A_WORKER = {
    "Description=VaultMesh relay, worker %i",
    "Conflicts=vault-relay.service",
    "After=vault-relay.service",
    "Environment=RELAY_NODE_NAME=w%i",
    "Environment=RELAY_LISTEN=haproxy:unix:%t/vault-relay/%i/devices:mode=660",
    "Environment=RELAY_ADMIN=tcp:909%i",
    "EnvironmentFile=-/etc/vault-relay/worker-%i.environment",
    "RuntimeDirectory=vault-relay/%i",
}
OF_THE_ONE = {
    "Description=VaultMesh relay",
    "RuntimeDirectory=vault-relay",
    # A mailbox in a folder is for a single relay.
    "StateDirectory=vault-relay",
    "StateDirectoryMode=0700",
}


def said(unit: str) -> set[str]:
    """What a unit says, without its comments."""
    lines = (SYSTEMD / unit).read_text().splitlines()
    found = [line for line in lines if line and not line.startswith("#")]
    assert len(found) == len(set(found))
    return set(found)


def test_a_worker_differs_from_the_one_relay_in_what_it_must() -> None:
    one, worker = said("vault-relay.service"), said("vault-relay@.service")
    assert worker - one == OF_A_WORKER
    assert one - worker == OF_THE_ONE


@pytest.mark.parametrize("unit", ["vault-relay.service", "vault-relay@.service"])
def test_systemd_does_not_repeat_a_start_that_fails_again(unit: str) -> None:
    assert {"Restart=on-failure", f"RestartPreventExitStatus={USAGE_ERROR}"} <= said(unit)
