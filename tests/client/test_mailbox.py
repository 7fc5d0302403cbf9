"""Items, states and connections of the reference client with a mailbox, against a relay in
memory."""

from typing import Any

import pytest

from tests.client.mail_world import LIMITS, MailWorld, Person, number, refused, say
from tests.client.world import World, result
from tests.frames import BINARY, TEXT, client_frame
from tests.memory import SEED
from vaultrelay.client import (
    EVERYONE,
    Closed,
    Erased,
    Item,
    Mailbox,
    MailboxState,
    MemoryMailStore,
    Message,
    Nack,
    NoMailbox,
    PutReason,
    Stored,
    StoreFailed,
    connect,
    inbox,
)
from vaultrelay.wire.data import Reason
from vaultrelay.wire.mailbox import NO_CURSOR, pack_item, pack_stored


@pytest.fixture
def world() -> MailWorld:
    return MailWorld()


@pytest.fixture
def pair(world: MailWorld) -> tuple[Person, Person]:
    first, second = world.person(b"device-a").on(), world.person(b"device-b").on()
    first.events()
    second.events()
    return first, second


class TestItems:
    def test_come_again_until_they_are_taken(self, world: MailWorld) -> None:
        sender, receiver = world.person(b"device-a").on(), world.person(b"device-b")
        for payload in (b"one", b"two", b"three"):
            sender.mailbox.put(payload)
        world.settle()
        found = [event for event in receiver.on().events() if isinstance(event, Item)]
        assert receiver.mailbox.cursor == b""
        receiver.mailbox.take(found[1])
        assert receiver.mailbox.cursor == found[1].cursor
        assert receiver.restart().on().items() == [b"three"]
        assert receiver.restart().on().items() == []

    def test_are_taken_up_to_the_last_place_after_them(self, pair: tuple[Person, Person]) -> None:
        first, second = pair
        first.mailbox.put(b"of the other")
        [item] = second.events()
        second.mailbox.put(b"own")
        [stored] = second.events()
        assert stored.cursor != NO_CURSOR
        assert second.mailbox.cursor == b""
        second.mailbox.take(item)
        assert second.mailbox.cursor == stored.cursor

    def test_that_came_already_are_dropped(self, pair: tuple[Person, Person]) -> None:
        _, person = pair
        for cursor in (b"a" * 16, b"b" * 16):
            say(person, pack_item(b"i" * 16, cursor, b"sealed"))
        [item] = person.events()
        person.mailbox.take(item)
        assert person.mailbox.cursor == b"b" * 16
        say(person, pack_item(b"i" * 16, b"c" * 16, b"sealed"))
        assert person.events() == []
        assert person.mailbox.cursor == b"c" * 16

    def test_of_the_device_itself_are_dropped(self, world: MailWorld) -> None:
        person = world.person().on()
        person.mailbox.put(b"own")
        world.settle()
        person.store.take((), b"")
        assert person.restart().on().items() == []
        assert person.mailbox.cursor != b""

    def test_of_the_device_itself_are_dropped_before_their_stored_too(
        self, pair: tuple[Person, Person]
    ) -> None:
        person, _ = pair
        person.mailbox.put(b"own", item_id=b"i" * 16)
        say(person, pack_item(b"i" * 16, b"c" * 16, b"own"))
        assert person.mailbox.cursor == b"c" * 16
        assert [type(event) for event in person.events()] == [Stored]

    def test_of_an_earlier_connection_can_be_taken(self, world: MailWorld) -> None:
        sender, receiver = world.person(b"device-a").on(), world.person(b"device-b")
        sender.mailbox.put(b"one")
        sender.mailbox.put(b"two")
        world.settle()
        one, _ = (event for event in receiver.on().events() if isinstance(event, Item))
        receiver.off().join()
        receiver.mailbox.take(one)
        assert receiver.mailbox.cursor == b""
        assert receiver.items() == [b"two"]

    def test_can_be_taken_while_the_device_is_off(self, world: MailWorld) -> None:
        sender, receiver = world.person(b"device-a").on(), world.person(b"device-b")
        sender.mailbox.put(b"sealed")
        world.settle()
        [item] = (event for event in receiver.on().events() if isinstance(event, Item))
        receiver.off()
        receiver.mailbox.take(item)
        assert receiver.mailbox.cursor == item.cursor

    def test_that_are_not_taken_take_bounded_memory(
        self, pair: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inbox, "MAX_UNTAKEN_ITEMS", 2)
        first, second = pair
        for payload in (b"one", b"two", b"three", b"four"):
            first.mailbox.put(payload)
        items = second.events()
        assert len(second.mailbox._inbox._untaken) == 2
        for item, expected in zip(items, (0, 0, 0, 3), strict=True):
            second.mailbox.take(item)
            assert second.mailbox.cursor == items[expected].cursor
        assert second.restart().on().items() == []

    def test_that_are_malformed_end_the_connection(self, pair: tuple[Person, Person]) -> None:
        person, _ = pair
        say(person, pack_item(b"i" * 16, b"c" * 16, b"sealed")[:40])
        with pytest.raises(Closed, match="fewer than the header of ITEM"):
            person.events()


class TestStates:
    def test_a_gap_asks_for_a_synchronization_until_it_is_made(self, world: MailWorld) -> None:
        sender, receiver = world.person(b"device-a").on(), world.person(b"device-b")
        sender.mailbox.put(b"seen")
        assert receiver.on().items() == [b"seen"]
        receiver.off()
        sender.mailbox.put(b"lost")
        sender.mailbox.erase()
        world.settle()
        assert MailboxState("open", gap="gone") in receiver.on().events()
        assert receiver.mailbox.must_synchronize
        receiver.restart().on()
        assert receiver.mailbox.must_synchronize
        receiver.mailbox.synchronized()
        receiver.restart().on()
        assert not receiver.mailbox.must_synchronize

    def test_unknown_gaps_count_and_unknown_states_do_not(
        self, pair: tuple[Person, Person]
    ) -> None:
        person, _ = pair
        say(person, b'{"type":"mailbox","state":"asleep"}', TEXT)
        assert person.events() == []
        say(person, b'{"type":"mailbox","state":"open","gap":"forgotten"}', TEXT)
        assert person.events() == [MailboxState("open", gap="forgotten")]
        assert person.mailbox.must_synchronize

    def test_live_without_a_cursor_drops_the_one_that_there_was(
        self, pair: tuple[Person, Person]
    ) -> None:
        person, _ = pair
        say(person, pack_item(b"i" * 16, b"c" * 16, b"sealed"))
        assert person.items() == [b"sealed"]
        assert person.mailbox.cursor == b"c" * 16
        say(person, b'{"type":"mailbox","state":"live","cursor":null}', TEXT)
        assert person.mailbox.cursor == b""


class TestWithoutAMailbox:
    def join(self, world: World, mailbox: Mailbox, tag: bytes = b"device-a") -> Any:
        joining = connect(
            world.clock, "ws://relay.test", SEED, tag, endpoint=world.network, mailbox=mailbox
        )
        return result(world.start(joining))

    def test_the_relay_is_used_as_ever_and_all_is_kept(self) -> None:
        world, store = World(), MemoryMailStore()
        store.take((), b"c" * 16)
        mailbox = Mailbox(store)
        device = self.join(world, mailbox)
        peer = self.join(world, Mailbox(MemoryMailStore()), b"device-b")
        world.next(device)
        stored = mailbox.put(b"sealed")
        assert mailbox.limits is None
        with pytest.raises(NoMailbox):
            mailbox.erase()
        for opcode, message in (
            (BINARY, pack_item(b"i" * 16, b"c" * 16, b"")),
            (BINARY, pack_stored(device.session, 1, store.puts()[0].item_id)),
            (TEXT, Erased(None).encode()),
            (TEXT, MailboxState("open", gap="unknown").encode()),
        ):
            device._socket.dataReceived(client_frame(opcode, message, masked=False))
        device.send(b"ciphertext")
        world.network.flush()
        assert world.next(peer).payload == b"ciphertext"
        assert not stored.called
        assert (mailbox.cursor, mailbox.waiting) == (b"c" * 16, 1)
        assert not mailbox.must_synchronize
        device.close()
        world.network.flush()
        with pytest.raises(Closed):
            world.next(device)

    def test_what_waits_is_sent_to_the_next_relay_that_has_one(self, world: MailWorld) -> None:
        person = world.person()
        without = World()
        device = self.join(without, person.mailbox)
        person.mailbox.put(b"sealed")
        device.close()
        without.network.flush()
        person.on()
        assert world.stored() == [b"sealed"]
        assert person.mailbox.limits == LIMITS


def test_data_goes_on_beside_the_mailbox(pair: tuple[Person, Person]) -> None:
    first, second = pair
    assert first.device is not None
    first.device.send(b"live")
    first.device.send(b"lost", to=99)
    assert second.events() == [Message(number(first), EVERYONE, 1, b"live")]
    assert first.events() == [Nack(99, 2, Reason.GONE)]


def test_of_two_connections_the_newer_one_has_the_mailbox(world: MailWorld) -> None:
    person = world.person().on()
    older = person.device
    person.tag = b"device-b"
    person.on()
    assert older is not None
    cursor = person.mailbox.cursor
    item = pack_item(b"i" * 16, b"c" * 16, b"sealed")
    older._socket.dataReceived(client_frame(BINARY, item, masked=False))
    assert person.mailbox.cursor == cursor
    person.mailbox.put(b"to one alone")
    older.close()
    world.settle()
    stored = person.mailbox.put(b"sealed")
    world.settle()
    assert result(stored) is True
    person.device.close()  # type: ignore[union-attr]
    with pytest.raises(NoMailbox):
        person.mailbox.erase()
    world.settle()
    assert person.mailbox.limits is None


def test_a_store_that_fails_ends_the_connection_and_loses_nothing(world: MailWorld) -> None:
    class Failing(MemoryMailStore):
        is_broken = False

        def take(self, *args: Any) -> None:
            if self.is_broken:
                raise StoreFailed("the disk is full")
            super().take(*args)

        def remove_put(self, item_id: bytes) -> None:
            if self.is_broken:
                raise StoreFailed("the disk is full")
            super().remove_put(item_id)

    store = Failing()
    person = world.person(store=store)
    too_big = person.mailbox.put(bytes(LIMITS.item_bytes + 1))
    stored = person.mailbox.put(b"sealed")
    store.is_broken = True
    person.on()
    with pytest.raises(Closed, match="closed with 1011 the disk is full"):
        person.events()
    assert not stored.called
    assert not too_big.called
    store.is_broken = False
    person.on()
    assert result(stored) is True
    assert refused(too_big) is PutReason.TOO_BIG
    store.is_broken = True
    person.mailbox.put(b"more")
    with pytest.raises(Closed, match="closed with 1011 the disk is full"):
        person.events()
    store.is_broken = False
    person.on()
    assert world.stored() == [b"sealed", b"more"]
