"""PUTs of the reference client, against a relay in memory."""

from typing import Any

import pytest

from tests.client.mail_world import LIMITS, MailWorld, Person, number, refused, say, states
from tests.client.world import result
from tests.frames import TEXT
from vaultrelay.client import (
    Erased,
    Mailbox,
    MailboxState,
    OutboxFull,
    PutReason,
    PutRefused,
    Stored,
    new_item_id,
    outbox,
)
from vaultrelay.client.put_sender import RATE_SECONDS
from vaultrelay.store.store import StoreLimits
from vaultrelay.wire.mailbox import pack_put_nack, pack_stored

AWAY = MailboxState("away")
KEY = b"k" * 16


@pytest.fixture
def world() -> MailWorld:
    return MailWorld()


@pytest.fixture
def pair(world: MailWorld) -> tuple[Person, Person]:
    first, second = world.person(b"device-a").on(), world.person(b"device-b").on()
    first.events()
    second.events()
    return first, second


def test_puts_reach_a_device_that_is_never_on_together_with_the_sender(world: MailWorld) -> None:
    sender, receiver = world.person(b"device-a").on(), world.person(b"device-b")
    stored = [sender.mailbox.put(payload) for payload in (b"one", b"two")]
    assert not stored[0].called
    world.settle()
    assert [result(each) for each in stored] == [True, True]
    sender.off()
    assert receiver.on().items() == [b"one", b"two"]


def test_puts_of_a_live_device_reach_the_others_at_once(pair: tuple[Person, Person]) -> None:
    first, second = pair
    first.mailbox.put(b"sealed", ttl=60)
    assert second.items() == [b"sealed"]
    [stored] = first.events()
    assert isinstance(stored, Stored)
    assert first.mailbox.cursor == second.mailbox.cursor == stored.cursor


def test_puts_wait_for_a_connection_and_a_restart(world: MailWorld) -> None:
    person = world.person()
    for payload in (b"one", b"two", b"three"):
        person.mailbox.put(payload)
    person.mailbox = Mailbox(person.store)
    assert person.mailbox.waiting == 3
    person.on()
    assert world.stored() == [b"one", b"two", b"three"]
    assert person.mailbox.waiting == 0
    assert person.store.puts() == ()


def test_puts_without_their_stored_are_sent_again_and_stored_once(world: MailWorld) -> None:
    person = world.person().on()
    stored = person.mailbox.put(b"sealed", item_id=b"i" * 16)
    world.network.flush()
    assert person.device is not None
    person.device.abort()
    world.settle()
    assert world.stored() == [b"sealed"]
    assert not stored.called
    person.on()
    assert world.stored() == [b"sealed"]
    assert result(stored) is True
    assert person.items() == []


def test_puts_with_one_collapse_key_replace_each_other_while_they_wait(world: MailWorld) -> None:
    person = world.person()
    older = person.mailbox.put(b"older", key=KEY)
    other = person.mailbox.put(b"other")
    newer = person.mailbox.put(b"newer", key=KEY)
    assert result(older) is False
    assert [put.payload for put in person.store.puts()] == [b"other", b"newer"]
    person.on()
    assert world.stored() == [b"other", b"newer"]
    assert [result(other), result(newer)] == [True, True]


def test_puts_that_were_replaced_after_they_were_stored_do_not_come_back(world: MailWorld) -> None:
    person = world.person().on()
    person.mailbox.put(b"older", key=KEY)
    world.network.flush()
    person.off()
    assert world.stored() == [b"older"]
    person.mailbox.put(b"newer", key=KEY)
    person.restart().join()
    assert person.items() == []
    assert world.stored() == [b"newer"]


def test_puts_that_were_replaced_under_way_are_not_sent_after_the_newer_is_stored(
    world: MailWorld,
) -> None:
    person = world.person().on()
    person.events()
    older = person.mailbox.put(b"older", key=KEY)
    newer = person.mailbox.put(b"newer", key=KEY)
    say(person, pack_put_nack(number(person), 1, PutReason.BUSY))
    assert result(older) is False
    world.settle()
    assert result(newer) is True
    say(person, b'{"type":"mailbox","state":"room"}', TEXT)
    world.settle()
    assert world.streams.counters.puts == {"stored": 2}, "each sent once"
    person.off().on()
    assert world.streams.counters.puts == {"stored": 2}
    assert world.stored() == [b"newer"]


def test_puts_stay_within_the_window() -> None:
    world = MailWorld(LIMITS._replace(window_bytes=1024))
    person = world.person().on()
    for size in (400, 400, 400, 2000, 400):
        person.mailbox.put(bytes(size))
    for _ in range(10):
        world.settle()
    assert world.streams.counters.puts == {"stored": 5}
    assert [len(payload) for payload in world.stored()] == [400, 400, 400, 2000, 400]


def test_puts_larger_than_an_item_are_refused_before_they_are_sent(world: MailWorld) -> None:
    person = world.person()
    early = person.mailbox.put(bytes(LIMITS.item_bytes + 1))
    person.on()
    late = person.mailbox.put(bytes(LIMITS.item_bytes + 1))
    fits = person.mailbox.put(bytes(LIMITS.item_bytes))
    events = person.events()
    assert [refused(early), refused(late)] == [PutReason.TOO_BIG] * 2
    assert result(fits) is True
    assert world.streams.counters.puts == {"stored": 1}
    assert sum(isinstance(event, PutRefused) for event in events) == 2
    assert person.store.puts() == ()


def test_puts_of_a_full_channel_wait_for_room(world: MailWorld) -> None:
    world.store_limits = StoreLimits(channel_items=1)
    world.clerk.configure(world.store_limits)
    person = world.person().on()
    first = person.mailbox.put(b"first")
    second = person.mailbox.put(b"second")
    events = person.events()
    assert result(first) is True
    assert [(each.reason, each.is_final) for each in events if isinstance(each, PutRefused)] == [
        (PutReason.FULL, False)
    ]
    assert not second.called
    person.mailbox.erase()
    assert Erased(person.mailbox.cursor) in person.events()
    assert result(second) is True
    assert world.stored() == [b"second"]


def test_puts_are_sent_again_with_the_next_welcome(world: MailWorld) -> None:
    person = world.person().on()
    person.events()
    person.mailbox.put(b"sealed")
    say(person, pack_put_nack(number(person), 1, PutReason.FULL))
    person.off().join()
    world.network.flush()
    assert world.clerk.waiting_bytes > 0, "before the relay has sent open"


def test_puts_wait_while_the_store_is_away(world: MailWorld) -> None:
    person = world.person().on()
    person.events()
    world.streams.store_left()
    assert person.events() == [AWAY]
    stored = person.mailbox.put(b"sealed")
    world.settle()
    assert world.streams.counters.puts == {}
    world.streams.store_returned()
    assert states(person.events()) == ["open", "live"]
    assert result(stored) is True


def test_puts_over_the_rate_are_sent_again_after_an_hour(world: MailWorld) -> None:
    person = world.person().on()
    person.events()
    stored = person.mailbox.put(b"sealed")
    say(person, pack_put_nack(number(person), 1, PutReason.RATE))
    person.device.abort()  # type: ignore[union-attr]
    world.network.flush()
    world.disk.clear()
    world.clock.advance(RATE_SECONDS - 60)
    person.on()
    world.disk.clear()
    world.wait(30)
    assert world.stored() == []
    assert not stored.called
    world.wait(30)
    assert world.stored() == [b"sealed"]
    assert result(stored) is True


def test_puts_that_may_not_be_stored_are_dropped(world: MailWorld) -> None:
    person = world.person().on()
    person.events()
    tried = person.mailbox.put(b"sealed", item_id=b"i" * 16)
    say(person, pack_put_nack(number(person), 1, PutReason.NOT_ALLOWED))
    assert refused(tried) is PutReason.NOT_ALLOWED
    assert person.mailbox.waiting == 0
    assert person.store.puts() == ()
    [event] = (each for each in person.events() if isinstance(each, PutRefused))
    assert (event.item_id, event.is_final) == (b"i" * 16, True)
    assert str(event) == "the relay does not store the item: NOT_ALLOWED"


def test_puts_are_not_answered_by_what_does_not_fit(world: MailWorld) -> None:
    person = world.person().on()
    person.events()
    stored = person.mailbox.put(b"sealed", item_id=b"i" * 16)
    say(person, pack_put_nack(number(person), 9, PutReason.NOT_ALLOWED))
    say(person, pack_stored(number(person), 1, b"x" * 16, b"c" * 16))
    say(person, pack_stored(number(person), 2, b"i" * 16, b"c" * 16))
    assert not stored.called
    assert person.mailbox.cursor == b""
    assert not person.store.knows(b"x" * 16)


@pytest.mark.parametrize(
    "wrong",
    [
        {"item_id": bytes(16)},
        {"item_id": b"short"},
        {"key": b"short"},
        {"ttl": -1},
        {"ttl": 1 << 32},
        {"payload": bytes(262_145)},
    ],
)
def test_puts_that_are_impossible_are_not_kept(world: MailWorld, wrong: Any) -> None:
    person = world.person()
    with pytest.raises(ValueError, match=r"16 bytes|ttl|no relay"):
        person.mailbox.put(**({"payload": b"sealed"} | wrong))
    assert person.mailbox.waiting == 0


def test_puts_have_ids_of_their_own(world: MailWorld) -> None:
    person = world.person()
    person.mailbox.put(b"sealed", item_id=b"i" * 16)
    with pytest.raises(ValueError, match="waits already"):
        person.mailbox.put(b"other", item_id=b"i" * 16)
    assert new_item_id() != new_item_id()


def test_puts_that_wait_are_bounded(world: MailWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING_PUTS", 2)
    monkeypatch.setattr(outbox, "MAX_WAITING_BYTES", 1000)
    person = world.person()
    person.mailbox.put(bytes(400), key=KEY)
    with pytest.raises(OutboxFull, match="1 PUTs with 452 bytes wait"):
        person.mailbox.put(bytes(600))
    person.mailbox.put(b"")
    with pytest.raises(OutboxFull):
        person.mailbox.put(b"")
    person.mailbox.put(bytes(600), key=KEY)
    assert person.mailbox.waiting == 2
