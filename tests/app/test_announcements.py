"""What a relay announces to HAProxy: channels with a joined device, and nothing while it drains."""

import pytest

from tests.memory import SEED, Relay, Wire
from vaultrelay.policy.limits.haproxy import ANNOUNCE_TICK_SECONDS, TICKS_A_ROUND
from vaultrelay.wire import base64url
from vaultrelay.wire.haproxy_peers import channel_digest
from vaultrelay.wire.proof import channel_of

HERE = channel_digest(channel_of(SEED))
OTHER_SEED = bytes(32)
OTHER = channel_digest(channel_of(OTHER_SEED))


@pytest.fixture
def relay() -> Relay:
    return Relay(drain_seconds=20)


def haproxy(relay: Relay) -> Wire:
    wire = relay.connect()
    assert wire.protocol.haproxy_connected(b"HAProxyS 2.1")
    wire.send(b"\nw1\nhere 528 1\n")
    return wire


def heard(relay: Relay, wire: Wire, ticks: int = 1) -> bytes:
    """What HAProxy reads in this time, in which it is alive."""
    for _ in range(ticks):
        wire.send(b"\x00\x04")
        relay.clock.advance(ANNOUNCE_TICK_SECONDS)
    return wire.taken()


def test_a_channel_is_announced_with_its_first_device(relay: Relay) -> None:
    wire = haproxy(relay)
    assert HERE not in heard(relay, wire, 2)
    relay.join(b"device-a")
    assert HERE in heard(relay, wire)
    # And from then on in every round.
    assert HERE in heard(relay, wire, TICKS_A_ROUND)


def test_a_channel_that_was_there_before_is_announced_at_once(relay: Relay) -> None:
    relay.join(b"device-a")
    assert HERE in haproxy(relay).taken()


def test_an_upgrade_without_a_proof_is_not_announced(relay: Relay) -> None:
    wire = haproxy(relay)
    relay.connect().upgrade()
    stranger = relay.connect()
    stranger.upgrade()
    stranger.hello(b"device-a", OTHER_SEED, proof=base64url.encode(bytes(64)))
    told = heard(relay, wire, 2 * TICKS_A_ROUND)
    assert HERE not in told
    assert OTHER not in told


def test_a_channel_without_devices_is_announced_no_more(relay: Relay) -> None:
    device, wire = relay.join(b"device-a"), haproxy(relay)
    relay.join(b"device-a", OTHER_SEED)
    heard(relay, wire, 2)
    device.hang_up()
    told = heard(relay, wire, 2 * TICKS_A_ROUND)
    assert HERE not in told
    assert OTHER in told


def test_a_relay_that_drains_announces_nothing(relay: Relay) -> None:
    relay.join(b"device-a")
    wire = haproxy(relay)
    wire.taken()
    relay.service.broker.drain(20)
    assert HERE not in heard(relay, wire, 2 * TICKS_A_ROUND)
    assert HERE not in haproxy(relay).taken()
