"""The auditor itself: what it holds against a cluster, and what it does not."""

from tests.relays.auditor import Auditor

A, B = b"device-a", b"device-b"


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_channel_is_split_while_its_devices_are_on_two_nodes() -> None:
    clock = Clock()
    auditor = Auditor(clock)
    auditor.joined(1, A, "w1")
    auditor.joined(1, B, "w2")
    assert auditor.split_channels == {1}
    clock.now = 3
    assert auditor.longest_split() == 3
    auditor.gone(1, B)
    clock.now = 9
    assert not auditor.split_channels
    assert auditor.longest_split() == 3


def test_devices_that_move_together_are_not_split() -> None:
    auditor = Auditor(Clock())
    auditor.joined(1, A, "w1")
    auditor.joined(1, B, "w1")
    auditor.joined(2, A, "w2")
    auditor.gone(1, A)
    auditor.gone(1, B)
    auditor.joined(1, B, "w2")
    assert not auditor.splits


def test_a_message_that_is_skipped_is_missing_unless_its_sender_was_told() -> None:
    auditor = Auditor(Clock())
    auditor.arrived(sender=1, receiver=2, number=1)
    auditor.arrived(sender=1, receiver=2, number=4)
    auditor.refused(1, 2)
    assert auditor.found() == ["message 3 of stay 1 is missing"]


def test_a_message_that_comes_twice_or_too_late_is_found() -> None:
    auditor = Auditor(Clock())
    for number in (1, 2, 2, 1):
        auditor.arrived(sender=1, receiver=2, number=number)
    assert auditor.found() == [
        "message 2 of stay 1 came after 2",
        "message 1 of stay 1 came after 2",
    ]
