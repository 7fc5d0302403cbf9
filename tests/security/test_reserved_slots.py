"""Attack: hold all reserved slots of a full relay, so that no device gets one in time."""

import time
from collections.abc import Callable
from http import HTTPStatus

import pytest

from tests.process.processes import running_relay
from tests.security.clients import BEHIND_PROXY, Client, Crowd
from vaultrelay.policy.limits.reserved import RESERVED_GRACE_SECONDS, RESERVED_SLOTS

HONEST = 30
"""Devices, each in a vault of its own."""
RENEWED_SECONDS = RESERVED_GRACE_SECONDS * 0.9
"""Before a connection that has not joined gives way to others."""
MINE = 1000
"""The first vault of the attacker."""


SHAPES = {
    "loopback": "127.0.{}.2",
    "ipv4": "198.51.{}.2",
    "ipv6 line": "2001:db8:1:1{:02x}::1",
    "ipv6 sites": "2001:db8:{:x}::1",
}
"""Addresses of the attacker. Those of the loopback are not counted, as those behind a proxy that is
not trusted."""


class Attack:
    """Holds reserved slots in the names of some channels, from some addresses, without joining."""

    def __init__(self, dial: Callable[[int], Client], vaults: int) -> None:
        self._dial = dial
        self._vaults = vaults
        self._held: list[tuple[float, Client]] = []
        self._next = 0

    def go_on(self) -> int:
        """Renew what is due, and take all that can be had; how many are held now."""
        now = time.monotonic()
        for since, client in tuple(self._held):
            if now - since > RENEWED_SECONDS or client.is_closed():
                client.close()
                self._held.remove((since, client))
        for number in range(self._next, self._next + 2 * RESERVED_SLOTS):
            client = self._dial(number)
            if client.upgrade(MINE + number % self._vaults) == HTTPStatus.SWITCHING_PROTOCOLS:
                self._held.append((now, client))
            else:
                client.close()
        self._next += 2 * RESERVED_SLOTS
        return len(self._held)


def test_devices_that_leave_and_join_again_keep_nobody_out() -> None:
    """With its last device all was forgotten that a channel had held."""
    vaults = range(MINE, MINE + 4)
    with (
        running_relay("--max-connections", str(HONEST + len(vaults))) as relay,
        Crowd(relay.port) as crowd,
    ):

        def join(vault: int) -> Client:
            client = crowd.dial()
            assert client.upgrade(vault) == HTTPStatus.SWITCHING_PROTOCOLS
            assert client.join(vault, 1) == "welcome"
            return client

        for vault in range(HONEST):
            join(vault)
        mine = [join(vault) for vault in vaults]
        attack = Attack(lambda _: crowd.dial(), len(vaults))
        answers = []
        for vault in range(4):
            attack.go_on()
            time.sleep(RENEWED_SECONDS)
            for device in mine:
                device.close()
            mine = [join(vault) for vault in vaults]
            attack.go_on()
            answers.append(crowd.join(vault, 1))
    assert answers[1:] == ["welcome"] * 3


@pytest.mark.parametrize("place", SHAPES)
@pytest.mark.parametrize(("addresses", "vaults"), [(1, 1), (5, 1), (1, 16), (5, 16)])
def test_devices_replace_their_dead_connections(place: str, addresses: int, vaults: int) -> None:
    """With one channel at once, with many after the time for which the first slots are sure."""
    counted = place != "loopback"
    options = BEHIND_PROXY if counted else ()
    with (
        running_relay("--max-connections", str(HONEST + vaults), *options) as relay,
        Crowd(relay.port) as crowd,
    ):

        def dial(number: int) -> Client:
            address = SHAPES[place].format(number % addresses)
            return crowd.dial(**{"proxied" if counted else "source": address})

        for vault in range(HONEST):
            where = f"203.0.113.{vault}" if counted else ""
            assert crowd.join(vault, 1, proxied=where) == "welcome"
        for vault in range(MINE, MINE + vaults):
            client = dial(vault)
            assert client.upgrade(vault) == HTTPStatus.SWITCHING_PROTOCOLS
            assert client.join(vault, 1) == "welcome"
        stranger = crowd.dial(proxied="203.0.113.99" if counted else "")
        assert stranger.upgrade(None) == HTTPStatus.SERVICE_UNAVAILABLE
        attack = Attack(dial, vaults)
        assert attack.go_on()
        if vaults > 1:
            time.sleep(RENEWED_SECONDS)
            assert attack.go_on()
            time.sleep(RESERVED_GRACE_SECONDS - RENEWED_SECONDS)
        answers = []
        for vault in range(HONEST):
            attack.go_on()
            # The device has lost its network, and comes back with another address.
            where = f"203.0.113.{vault + 100}" if counted else ""
            answers.append(crowd.join(vault, 1, proxied=where))
    assert answers == ["welcome"] * HONEST
