from collections.abc import Callable

import pytest

from tests.broker.fakes import Device, Relay
from vaultrelay.broker.counters import Counters
from vaultrelay.broker.outbox import Room
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import EVERYONE, HEADER_BYTES, Reason
from vaultrelay.wire.refusal import Refusal

NEVER_THERE = 99


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def counters(relay: Relay) -> Counters:
    return relay.broker.counters


def test_every_relay_starts_at_zero_with_counters_of_its_own(relay: Relay) -> None:
    relay.join()
    assert Relay().broker.counters == Counters()
    assert Counters() == Counters(0, 0, 0)


def test_joins_count_every_welcome(relay: Relay, counters: Counters) -> None:
    relay.connect()
    relay.connect().say(b"no hello")
    assert counters.joins == 0
    relay.meet(2)
    relay.join(tag=1)
    assert counters.joins == 3


def test_what_a_session_relayed_is_added_when_it_ends(relay: Relay, counters: Counters) -> None:
    sender, _ = relay.meet(2)
    sender.send(payload=bytes(100))
    sender.send(to=2, payload=bytes(10))
    assert (sender.session.messages_in, sender.session.bytes_in) == (2, 110 + 2 * HEADER_BYTES)
    assert (counters.messages, counters.bytes) == (0, 0)
    sender.leave()
    assert (counters.messages, counters.bytes) == (2, 110 + 2 * HEADER_BYTES)


def test_a_refused_message_is_not_counted(relay: Relay, counters: Counters) -> None:
    sender, _ = relay.meet(2)
    sender.send(to=sender.number)
    assert (counters.messages, counters.bytes) == (0, 0)


@pytest.mark.parametrize("code", list(CloseCode), ids=lambda code: code.slug)
def test_closes_count_by_slug(relay: Relay, counters: Counters, code: CloseCode) -> None:
    for device in (relay.connect(), relay.join()):
        device.session.close(code)
        device.leave()  # The connection ends after every close.
    assert counters.closed == {code.slug: 2}


def test_what_devices_close_is_no_close_of_ours(relay: Relay, counters: Counters) -> None:
    relay.connect().leave()
    relay.join().leave(clean=False)
    assert not counters.closed
    assert counters.left == {"closed": 1, "lost": 1}


def miss_by_gone(sender: Device, peer: Device) -> None:
    sender.send(to=NEVER_THERE)


def miss_by_busy(sender: Device, peer: Device) -> None:
    peer.stall(Room.FULL)
    sender.send(to=EVERYONE)


def miss_by_draining(sender: Device, peer: Device) -> None:
    peer.session.close(CloseCode.RESTART)
    sender.send(to=peer.number)


@pytest.mark.parametrize(
    ("miss", "reason"),
    [
        (miss_by_gone, Reason.GONE),
        (miss_by_busy, Reason.BUSY),
        (miss_by_draining, Reason.DRAINING),
    ],
)
def test_every_nack_counts_by_reason(
    relay: Relay, counters: Counters, miss: Callable[[Device, Device], None], reason: Reason
) -> None:
    miss(*relay.meet(2))
    assert counters.undelivered == {reason.name.lower(): 1}


def test_refused_upgrades_count_by_reason() -> None:
    relay = Relay(max_connections=1)
    relay.connect()
    with pytest.raises(Refusal):
        relay.broker.admit(None)
    relay.broker.drain(0)
    with pytest.raises(Refusal):
        relay.broker.admit(None)
    assert relay.broker.counters.refused == {"relay_full": 1, "draining": 1}
