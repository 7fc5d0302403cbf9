"""A message that comes in pieces: its rules, and what it counts in the ledger."""

from sys import getsizeof

import pytest

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.floods import FRAGMENTS_PER_MESSAGE
from vaultrelay.websocket.fragmented_message import FragmentedMessage
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(1 << 40)


def test_pieces_are_joined_and_counted_as_they_take_memory(ledger: Ledger) -> None:
    message = FragmentedMessage(True, ledger)
    for piece in (b"one", b"", b"two"):
        message.add(piece)
    assert message.size == 6
    # An empty one takes no less than any other object.
    assert ledger.held == message.held_bytes == sum(map(getsizeof, (b"one", b"", b"two")))
    assert message.take() == b"onetwo"
    assert ledger.held == message.held_bytes == 0


def test_what_is_given_up_is_held_no_more(ledger: Ledger) -> None:
    message = FragmentedMessage(True, ledger)
    message.add(bytes(1000))
    message.drop()
    message.drop()
    assert ledger.held == message.held_bytes == 0
    assert message.take() == b""


def test_a_text_may_be_as_large_as_a_control_message(ledger: Ledger) -> None:
    message = FragmentedMessage(False, ledger)
    assert message.begin_fragment(CONTROL_BYTES - 1) is None
    assert message.begin_fragment(1) is None
    assert message.begin_fragment(0) is None
    assert message.begin_fragment(1) is Rule.CONTROL_SIZE


def test_the_size_of_a_binary_message_is_for_the_factory_to_judge(ledger: Ledger) -> None:
    message = FragmentedMessage(True, ledger)
    assert message.begin_fragment(1 << 40) is None
    assert message.begin_fragment(1) is None
    assert message.announced == (1 << 40) + 1


@pytest.mark.parametrize("is_binary", [True, False])
def test_a_message_has_so_many_fragments_and_no_more(ledger: Ledger, is_binary: bool) -> None:
    message = FragmentedMessage(is_binary, ledger)
    for _ in range(FRAGMENTS_PER_MESSAGE):
        assert message.begin_fragment(0) is None
    assert message.begin_fragment(0) is Rule.FRAGMENTS
