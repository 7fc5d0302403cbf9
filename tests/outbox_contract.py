"""What every Outbox promises, for the fake of the broker's tests and for the real one."""

from typing import Any, Protocol

import pytest

from vaultrelay.broker.outbox import Outbox, Room
from vaultrelay.wire.control.in_session import Left
from vaultrelay.wire.data import Reason, pack_data, pack_nack

CONTROL = Left(2, "closed").encode()
NACK = pack_nack(1, 2, 3, Reason.BUSY)


def message(id: int, size: int = 16) -> bytes:
    """A data message of a peer."""
    return pack_data(1, 2, id, bytes(size - 16))


class Case(Protocol):
    """An outbox, what makes its queue as full as it should be, and what came out of it."""

    outbox: Outbox

    def fill(self, room: Room) -> None:
        """Let the device read no more, until a small message would be answered with `room`."""

    def empty(self) -> None:
        """Let the device read everything."""

    def taken(self) -> list[bytes]:
        """Messages, NACKs and control messages that were taken since the last look."""


class OutboxContract:
    """The promises; a subclass has the fixture `case`."""

    def test_an_open_queue_takes_everything_in_order(self, case: Case) -> None:
        sent = [message(1), message(2)]
        assert [case.outbox.deliver([each]) for each in sent] == [Room.OPEN, Room.OPEN]
        case.outbox.send_control(CONTROL)
        assert case.outbox.send_answer(NACK) is Room.OPEN
        assert case.taken() == [*sent, CONTROL, NACK]

    def test_above_its_high_mark_a_queue_still_takes_the_message_at_hand(self, case: Case) -> None:
        case.fill(Room.HIGH)
        assert case.outbox.deliver([message(1)]) is Room.HIGH
        case.empty()
        assert case.taken()[-1] == message(1)

    def test_a_broadcast_is_taken_as_any_message(self, case: Case) -> None:
        sent = [message(1), message(2, size=8000), message(3)]
        assert case.outbox.deliver([sent[0]]) is Room.OPEN
        assert [case.outbox.deliver([each], True) for each in sent[1:]] == [Room.OPEN, Room.OPEN]
        assert case.taken() == sent
        case.fill(Room.HIGH)
        assert case.outbox.deliver([message(4, size=8000)], True) is Room.HIGH
        case.empty()
        assert case.taken()[-1] == message(4, size=8000)

    @pytest.mark.parametrize("is_broadcast", [False, True])
    def test_a_clear_queue_takes_several_at_once(self, case: Case, is_broadcast: bool) -> None:
        sent = [message(1), message(2, size=70_000), message(3, size=8000)]
        assert case.outbox.is_clear
        assert case.outbox.deliver(sent, is_broadcast) is Room.OPEN
        assert case.outbox.deliver(sent[::-1], is_broadcast) is Room.OPEN
        assert case.taken() == sent + sent[::-1]

    @pytest.mark.parametrize("room", [Room.HIGH, Room.FULL])
    def test_a_queue_is_clear_until_something_waits(self, case: Case, room: Room) -> None:
        case.fill(room)
        assert not case.outbox.is_clear
        case.empty()
        assert case.outbox.is_clear

    @pytest.mark.parametrize("is_broadcast", [False, True])
    def test_a_full_queue_takes_no_message(self, case: Case, is_broadcast: bool) -> None:
        case.fill(Room.FULL)
        assert case.outbox.deliver([message(1)], is_broadcast) is Room.FULL
        case.empty()
        assert message(1) not in case.taken()

    def test_a_full_queue_takes_control_messages_and_nacks(self, case: Case) -> None:
        case.fill(Room.FULL)
        case.outbox.send_control(CONTROL)
        assert case.outbox.send_answer(NACK) is Room.HIGH
        case.empty()
        assert case.taken()[-2:] == [CONTROL, NACK]

    def test_a_queue_that_was_emptied_is_open_again(self, case: Case) -> None:
        case.fill(Room.FULL)
        case.empty()
        assert case.outbox.deliver([message(1)]) is Room.OPEN

    @pytest.mark.parametrize("what", ["deliver", "send_answer", "send_control", "ping"])
    def test_what_goes_out_is_said(self, case: Case, what: str) -> None:
        case.outbox.sent_since_tick = False
        arguments: dict[str, list[Any]] = {
            "deliver": [[message(1)]],
            "send_answer": [NACK],
            "send_control": [CONTROL],
            "ping": [],
        }
        getattr(case.outbox, what)(*arguments[what])
        assert case.outbox.sent_since_tick

    def test_after_its_close_it_does_nothing(self, case: Case) -> None:
        case.outbox.close(4000, "restart")
        case.taken()
        case.outbox.close(4001, "idle")
        case.outbox.deliver([message(1)])
        case.outbox.deliver([message(1)], True)
        case.outbox.send_answer(NACK)
        case.outbox.send_control(CONTROL)
        case.outbox.ping()
        case.outbox.pause()
        case.outbox.resume()
        assert case.taken() == []
