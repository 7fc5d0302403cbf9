import pytest

from tests.broker.fakes import Device, Got, Relay, nack, tag_of
from vaultrelay.broker.outbox import Room
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.in_session import Joined, Left, Ready
from vaultrelay.wire.control.joining import Peer, Welcome
from vaultrelay.wire.data import EVERYONE, Reason

NEVER_THERE = 99


@pytest.fixture
def relay() -> Relay:
    return Relay()


def peers_in_welcome(device: Device) -> dict[int, bytes]:
    [welcome] = [item for item in device.outbox.got if isinstance(item, Welcome)]
    return {peer.session: peer.device for peer in welcome.peers}


# Presence.


def test_a_welcome_lists_the_peers_without_the_device_itself(relay: Relay) -> None:
    first, second, third = (relay.join(tag) for tag in (1, 2, 3))
    assert peers_in_welcome(first) == {}
    assert peers_in_welcome(second) == {1: tag_of(1)}
    assert peers_in_welcome(third) == {1: tag_of(1), 2: tag_of(2)}


def test_every_peer_and_nobody_else_hears_of_a_join_once(relay: Relay) -> None:
    first, second = relay.meet(2)
    stranger = relay.join(tag=1, vault=2)
    stranger.read()
    third = relay.join(tag=3)
    assert first.read() == second.read() == [Joined(Peer(third.number, tag_of(3)))]
    assert stranger.read() == []
    assert not any(isinstance(item, Joined) for item in third.read())


def test_every_peer_and_nobody_else_hears_of_a_departure_once(relay: Relay) -> None:
    first, second, third = relay.meet(3)
    stranger = relay.join(tag=1, vault=2)
    stranger.read()
    third.leave()
    assert first.read() == second.read() == [Left(third.number, "closed")]
    assert third.read() == []
    assert stranger.read() == []


def test_joined_comes_before_the_first_message_and_left_after_the_last(relay: Relay) -> None:
    [witness] = relay.meet(1)
    device = relay.join(tag=2)
    first, last = device.send(), device.send(to=witness.number)
    device.leave()
    told: list[Got] = [Joined(Peer(2, tag_of(2))), first, last, Left(2, "closed")]
    assert witness.read() == told


def test_a_newcomer_gets_nothing_that_was_said_before_its_welcome(relay: Relay) -> None:
    first, _ = relay.meet(2)
    newcomer = relay.connect(tag=3)
    first.send()
    newcomer.join()
    late = first.send()
    _, welcome, *rest = newcomer.read()
    assert isinstance(welcome, Welcome)
    assert rest == [late]


def test_numbers_are_never_reused_while_a_channel_lives(relay: Relay) -> None:
    relay.meet(1)
    numbers = []
    for _ in range(5):
        device = relay.join(tag=2)
        numbers.append(device.number)
        device.leave()
    assert numbers == [2, 3, 4, 5, 6]


def test_channels_number_their_sessions_independently(relay: Relay) -> None:
    assert [relay.join(vault=vault).number for vault in (1, 2, 3)] == [1, 1, 1]


def give_out_all_numbers(relay: Relay, member: Device) -> None:
    """As four thousand million joins would."""
    relay.broker.channels[member.channel]._next_number = EVERYONE - 1
    assert relay.join(tag=64).number == EVERYONE - 1


def test_a_channel_that_has_given_out_all_numbers_is_full(relay: Relay) -> None:
    [member] = relay.meet(1)
    give_out_all_numbers(relay, member)
    assert relay.join(tag=2).closed() == "4507 channel_full"


def test_a_replacement_is_never_numbered_as_everyone(relay: Relay) -> None:
    [member] = relay.meet(1)
    give_out_all_numbers(relay, member)
    again = relay.join(tag=1)
    assert again.number != EVERYONE
    assert again.closed() == "4507 channel_full"
    assert member.closed() == ""


# Messages.


def test_a_broadcast_reaches_every_other_session_as_the_very_same_bytes(relay: Relay) -> None:
    sender, *others = relay.meet(4)
    stranger = relay.join(tag=1, vault=2)
    stranger.read()
    message = sender.send()
    for peer in others:
        [got] = peer.read()
        assert got is message
    assert sender.read() == stranger.read() == []


def test_a_message_to_one_peer_reaches_it_alone_as_the_very_same_bytes(relay: Relay) -> None:
    sender, peer, bystander = relay.meet(3)
    message = sender.send(to=peer.number)
    [got] = peer.read()
    assert got is message
    assert sender.read() == bystander.read() == []


def test_a_number_of_another_channel_is_no_address(relay: Relay) -> None:
    [sender] = relay.meet(1)
    *_, stranger = relay.meet(3, vault=2)
    message = sender.send(to=stranger.number)
    assert stranger.read() == []
    assert sender.read() == [nack(message, stranger.number, Reason.GONE)]


def test_messages_of_one_sender_arrive_in_order(relay: Relay) -> None:
    sender, peer, _ = relay.meet(3)
    sent = [sender.send(to) for to in (EVERYONE, peer.number) * 20]
    assert peer.read() == sent


def test_senders_are_heard_in_the_order_in_which_they_spoke(relay: Relay) -> None:
    *senders, peer = relay.meet(3)
    sent = [sender.send() for sender in senders * 5]
    assert peer.read() == sent


# What is not delivered.


@pytest.mark.parametrize("reason", ["closed", "lost"])
def test_a_message_to_a_session_that_left_is_gone(relay: Relay, reason: str) -> None:
    sender, peer = relay.meet(2)
    peer.leave(clean=reason == "closed")
    message = sender.send(to=peer.number)
    assert sender.read() == [
        Left(peer.number, reason),
        nack(message, peer.number, Reason.GONE),
    ]


def test_a_message_to_a_session_that_never_was_is_gone(relay: Relay) -> None:
    sender, bystander = relay.meet(2)
    message = sender.send(to=NEVER_THERE)
    assert sender.read() == [nack(message, NEVER_THERE, Reason.GONE)]
    assert bystander.read() == []


def test_a_message_to_a_full_queue_is_refused_as_busy(relay: Relay) -> None:
    sender, peer, bystander = relay.meet(3)
    peer.stall(Room.FULL)
    message = sender.send(to=peer.number)
    assert sender.read() == [nack(message, peer.number, Reason.BUSY)]
    assert peer.read() == bystander.read() == []


def test_a_message_to_a_queue_above_its_high_mark_is_delivered(relay: Relay) -> None:
    sender, peer = relay.meet(2)
    peer.stall(Room.HIGH)
    message = sender.send(to=peer.number)
    assert peer.read() == [message]
    assert sender.read() == []


def test_a_broadcast_gets_one_nack_for_each_peer_that_missed_it(relay: Relay) -> None:
    sender, full, well, high, full_too = relay.meet(5)
    full.stall(Room.FULL)
    high.stall(Room.HIGH)
    full_too.stall(Room.FULL)
    message = sender.send()
    assert sender.read() == [nack(message, peer.number, Reason.BUSY) for peer in (full, full_too)]
    assert well.read() == high.read() == [message]
    assert full.read() == full_too.read() == []


def test_a_broadcast_to_nobody_gets_no_nack(relay: Relay) -> None:
    sender, peer = relay.meet(2)
    peer.leave()
    sender.read()
    sender.send()
    assert sender.read() == []


def test_a_message_to_a_session_that_draining_closed_is_told_so(relay: Relay) -> None:
    sender, drained, lost = relay.meet(3)
    drained.session.close(CloseCode.RESTART)
    lost.leave()
    sender.read()
    missed = [sender.send(to=peer.number) for peer in (drained, lost)]
    assert sender.read() == [
        nack(missed[0], drained.number, Reason.DRAINING),
        nack(missed[1], lost.number, Reason.GONE),
    ]


def test_the_next_message_is_delivered_once_there_is_room_again(relay: Relay) -> None:
    sender, peer = relay.meet(2)
    peer.stall(Room.FULL)
    missed = sender.send()
    peer.drain()
    message = sender.send()
    assert peer.read() == [message]
    assert sender.read() == [nack(missed, peer.number, Reason.BUSY), Ready(peer.number)]
