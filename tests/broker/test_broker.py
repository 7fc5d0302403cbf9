import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from tests.broker.fakes import (
    HOST,
    Closed,
    Device,
    FakeClock,
    Got,
    Relay,
    nack,
)
from vaultrelay.broker.broker import Broker
from vaultrelay.broker.outbox import Room
from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.policy.limits.defaults import DEFAULT_MAX_CONNECTIONS
from vaultrelay.policy.limits.drain import DRAIN_RECONNECT
from vaultrelay.policy.limits.memory import SLOW_SECONDS
from vaultrelay.policy.limits.pending import RETRY_DRAINING_SECONDS, RETRY_FULL_SECONDS
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.in_session import Draining, Joined, Left
from vaultrelay.wire.control.joining import Peer, Welcome
from vaultrelay.wire.data import NO_SESSION, Reason

RELAY_FULL = f"4006 relay_full;retry={RETRY_FULL_SECONDS}"


def test_a_broker_needs_a_clock_and_nothing_else() -> None:
    broker = Broker(FakeClock(), BrokerSettings())
    device = Device(broker, tag=1, vault=1, named=None).join()
    device.leave()
    assert broker.limits == SessionLimits()
    assert broker.admission.max_connections == DEFAULT_MAX_CONNECTIONS
    assert broker.audiences.accepts(HOST)


def test_uptime_counts_whole_seconds() -> None:
    relay = Relay()
    relay.clock.advance(99.9)
    assert relay.broker.uptime_seconds == 99


def test_the_broker_counts_who_is_there() -> None:
    relay = Relay()
    relay.meet(2)
    device = relay.join(vault=2)
    unjoined = relay.connect()
    assert (len(relay.broker.sessions), relay.broker.joined) == (4, 3)
    device.leave()
    unjoined.leave()
    assert (len(relay.broker.sessions), relay.broker.joined) == (2, 2)


# Replacement.


def test_a_device_that_joins_again_replaces_its_older_session() -> None:
    relay = Relay()
    old, peer = relay.meet(2)
    new = relay.join(tag=1)
    assert old.read() == [Closed(4509, "replaced")]
    told: list[Got] = [Left(old.number, "replaced"), Joined(Peer(new.number, old.tag))]
    assert peer.read() == told
    _, welcome = new.read()
    assert isinstance(welcome, Welcome)
    assert welcome.peers == (Peer(peer.number, peer.tag),)
    assert new.number == 3
    assert relay.broker.joined == len(relay.broker.sessions) == 2


def test_messages_to_a_replaced_session_are_gone_and_to_the_new_one_arrive() -> None:
    relay = Relay()
    old, peer = relay.meet(2)
    new = relay.join(tag=1)
    peer.read()
    new.read()
    missed, message = peer.send(to=old.number), peer.send(to=new.number)
    assert peer.read() == [nack(missed, old.number, Reason.GONE)]
    assert new.read() == [message]


def test_a_replacement_of_the_only_member_keeps_the_channel_and_its_numbers() -> None:
    relay = Relay()
    numbers = [relay.join(tag=1).number for _ in range(4)]
    assert numbers == [1, 2, 3, 4]
    assert (len(relay.broker.channels), relay.broker.joined) == (1, 1)
    relay.join(tag=2)
    [channel] = relay.broker.channels.values()
    assert sorted(channel.sessions) == [4, 5]


def test_the_same_device_in_another_channel_is_another_device() -> None:
    relay = Relay()
    devices = [relay.join(tag=1, vault=vault) for vault in (1, 2)]
    assert [device.closed() for device in devices] == ["", ""]


def test_a_channel_is_new_after_its_last_session_left() -> None:
    relay = Relay()
    for device in relay.meet(2):
        device.leave()
    assert relay.broker.channels == {}
    assert relay.join(tag=2).number == 1


# Limits.


def test_a_full_channel_takes_no_further_device_but_replacements() -> None:
    relay = Relay(channel_devices=2)
    first, second = relay.meet(2)
    assert relay.join(tag=3).closed() == "4507 channel_full"
    assert first.read() == second.read() == []
    again = relay.join(tag=1)
    assert (again.closed(), first.closed()) == ("", "4509 replaced")
    second.leave()
    assert relay.join(tag=3).closed() == ""


def test_another_channel_is_not_full() -> None:
    relay = Relay(channel_devices=1)
    relay.join()
    assert relay.join(vault=2).closed() == ""


# Draining.


def test_draining_tells_every_device_and_closes_who_has_not_joined() -> None:
    relay = Relay()
    members = relay.meet(2)
    unjoined = relay.connect(tag=3)
    unjoined.read()
    assert not relay.broker.draining
    relay.broker.drain(20)
    assert relay.broker.draining
    notice = Draining("restart", 20, DRAIN_RECONNECT)
    assert [member.read() for member in members] == [[notice], [notice]]
    assert unjoined.read() == [Closed(4000, "restart")]


@pytest.mark.parametrize(("seconds", "told"), [(0, 0), (0.2, 1), (19.5, 20), (20, 20)])
def test_a_drain_is_announced_in_whole_seconds_and_never_too_short(
    seconds: float, told: int
) -> None:
    relay = Relay()
    [member] = relay.meet(1)
    relay.broker.drain(seconds)
    assert member.read() == [Draining("restart", told, DRAIN_RECONNECT)]


def test_a_second_drain_changes_nothing() -> None:
    relay = Relay()
    [member] = relay.meet(1)
    relay.broker.drain(20)
    relay.wait(10)
    relay.broker.drain(1000)
    assert len(member.read()) == 1
    relay.wait(10)
    assert member.closed() == "4000 restart"


def test_closes_are_spread_evenly_over_the_drain() -> None:
    relay = Relay()
    for vault in range(10):
        relay.join(vault=vault)
    relay.broker.drain(20)
    left = []
    for _ in range(10):
        left.append(relay.broker.joined)
        relay.wait(2)
    assert left == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert relay.broker.sessions == set()


def test_devices_go_on_talking_until_their_turn_comes() -> None:
    relay = Relay()
    first, last = relay.meet(2, vault=1), relay.meet(2, vault=2)
    relay.broker.drain(20)
    relay.wait(10)
    assert first[1].read()[1:] == [Left(first[0].number, "draining"), Closed(4000, "restart")]
    message = last[0].send()
    assert [device.read()[1:] for device in last] == [[], [message]]
    relay.wait(10)
    assert {device.closed() for device in (*first, *last)} == {"4000 restart"}


def test_a_draining_relay_admits_nobody() -> None:
    relay = Relay()
    [member] = relay.meet(1)
    relay.broker.drain(20)
    for channel in (None, member.channel):
        refusal = relay.refusal_of(channel)
        assert refusal is not None
        assert (refusal.status, refusal.error) == (503, "draining")
        assert refusal.headers == (("Retry-After", str(RETRY_DRAINING_SECONDS)),)


def test_who_is_sent_away_by_a_drain_is_followed_by_the_channel() -> None:
    relay = Relay()
    members, others = relay.meet(2), relay.meet(2, vault=2)
    relay.broker.drain(20)
    for device in members + others:
        device.read()
    assert relay.refusal_of(members[0].channel) is not None
    for member in members:
        assert member.read()[-1] == Closed(4000, "restart")
    for device in others:
        assert device.read() == []
    relay.wait(21)
    assert others[0].read()[-1] == Closed(4000, "restart")


def test_a_drain_of_no_seconds_closes_all_at_the_next_look() -> None:
    relay = Relay()
    devices = relay.meet(3)
    relay.broker.drain(0)
    relay.broker.tick()
    assert [device.closed() for device in devices] == ["4000 restart"] * 3


@pytest.mark.parametrize("seconds", [0, 20])
def test_a_relay_without_sessions_drains_too(seconds: float) -> None:
    relay = Relay()
    relay.broker.drain(seconds)
    relay.wait(21)
    assert relay.broker.draining
    assert relay.broker.sessions == set()


def test_devices_that_leave_by_themselves_do_not_disturb_a_drain() -> None:
    relay = Relay()
    devices = relay.meet(6)
    relay.broker.drain(6)
    for device in devices[::2]:
        device.leave()
    relay.wait(6)
    assert [device.closed() for device in devices] == ["", "4000 restart"] * 3


# What is over is forgotten.


def test_the_end_of_every_session_is_reported_once() -> None:
    relay = Relay()
    first, second = relay.meet(2)
    relay.connect().leave()
    relay.connect().session.close(CloseCode.RATE)
    first.leave(clean=False)
    relay.join(tag=2)
    unjoined = [(NO_SESSION, "closed"), (NO_SESSION, "closed")]
    assert relay.ended == [*unjoined, (first.number, "lost"), (second.number, "replaced")]


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    """What is freed within this needs no collector: it is in no circle of references."""
    gc.disable()
    yield
    gc.enable()


END: dict[str, Callable[[Relay, Device], object]] = {
    "left": lambda relay, device: device.leave(),
    "was lost": lambda relay, device: device.leave(clean=False),
    "was closed": lambda relay, device: device.session.close(CloseCode.IDLE),
    "was replaced": lambda relay, device: relay.join(tag=1),
    "was drained": lambda relay, device: drain(relay),
    "was too slow": lambda relay, device: relay.wait(SLOW_SECONDS),
}


def drain(relay: Relay) -> None:
    relay.broker.drain(1)
    relay.wait(1)


def forgotten(device: Device) -> "weakref.ref[object]":
    """Whether a session lives shows in its outbox, which it holds and nobody else does."""
    return weakref.ref(device.outbox)


@pytest.mark.usefixtures("no_garbage_collector")
@pytest.mark.parametrize("end", END.values(), ids=END.keys())
def test_a_session_is_freed_that(end: Callable[[Relay, Device], object]) -> None:
    relay = Relay()
    device, sender, slow = relay.meet(3)
    device.stall()
    slow.stall(Room.FULL)
    sender.send()
    device.send()
    end(relay, device)
    outbox = forgotten(device)
    del device
    assert outbox() is None


@pytest.mark.usefixtures("no_garbage_collector")
def test_a_session_is_freed_that_never_joined() -> None:
    relay = Relay()
    device = relay.connect()
    device.leave()
    outbox = forgotten(device)
    del device
    assert outbox() is None


@pytest.mark.usefixtures("no_garbage_collector")
def test_a_session_is_freed_that_left_while_it_rested() -> None:
    relay = Relay(bytes_per_second=1)
    [device] = relay.meet(1)
    device.send(payload=bytes(1_000_000))
    device.leave()
    outbox = forgotten(device)
    del device
    assert outbox() is None


def test_nothing_is_left_of_sessions_and_channels_that_are_over() -> None:
    relay = Relay(max_connections=4)
    for _ in range(3):
        devices = [relay.join(tag, vault) for tag in (1, 2) for vault in (1, 2)]
        spare = relay.connect(tag=1)
        for device in devices:
            device.stall()
            device.send()
        spare.join()
        for device in (spare, *devices):
            device.leave()
    broker = relay.broker
    assert (broker.sessions, broker.channels, broker.joined) == (set(), {}, 0)
    assert broker.counters.joins == len(relay.ended)


def test_the_last_of_a_drain_can_be_kept_for_the_answers_to_its_closes() -> None:
    relay = Relay()
    devices = [relay.join(vault=vault) for vault in range(4)]
    relay.broker.drain(20, 10)
    relay.wait(5)
    assert sum(bool(device.closed()) for device in devices) == 2
    relay.wait(5)
    assert all(device.closed() == "4000 restart" for device in devices)
