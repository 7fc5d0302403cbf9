"""What was read before a pause, and what it counts in the ledger."""

from sys import getsizeof

from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.held_messages import HeldMessages


def test_messages_are_counted_as_they_take_memory_until_they_are_taken() -> None:
    ledger, messages = Ledger(1 << 40), [b"one", b"", bytes(1000)]
    held = HeldMessages(messages, 20, ledger)
    assert ledger.held == held.held_bytes == sum(map(getsizeof, messages)) + 20
    assert held.take() == messages
    assert ledger.held == held.held_bytes == 0
    assert held.take() == []


def test_what_follows_is_counted_by_its_bytes() -> None:
    ledger = Ledger(1 << 40)
    held = HeldMessages([], 20, ledger)
    held.count(5)
    assert ledger.held == held.held_bytes == 25
    held.take()
    assert ledger.held == 0
