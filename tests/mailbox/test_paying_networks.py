"""What networks may store while anyone may."""

import pytest

from tests.mailbox.relay import MailDevice, MailRelay
from vaultrelay.mailbox.payers import Payers
from vaultrelay.policy.limits.mailbox import DAY_SECONDS, ITEM_COST
from vaultrelay.wire.mailbox import PutReason, Stored

ITEMS = 10
"""Empty ones that one address may store in a day."""


@pytest.fixture
def relay() -> MailRelay:
    relay = MailRelay(address_bytes=ITEMS * ITEM_COST, channel_items=4 * ITEMS)
    relay.work()
    return relay


def store(relay: MailRelay, device: MailDevice, *items: int) -> list[object]:
    """Put empty items; return the answers: whether each is stored, or the reason why not."""
    device.read()
    for number in items:
        device.put(number, b"")
    relay.work()
    return [
        each.cursor.strip(b"\0") != b"" if isinstance(each, Stored) else each.reason
        for each in device.read()
        if isinstance(each, Stored) or hasattr(each, "reason")
    ]


def test_empty_items_count_what_they_cost(relay: MailRelay) -> None:
    device = relay.live(1)
    answers = store(relay, device, *range(1, ITEMS + 2))
    assert answers == [PutReason.RATE, *[True] * ITEMS]
    relay.clock.advance(DAY_SECONDS)
    assert store(relay, device, 100) == [True]


def test_other_vaults_of_the_network_share_its_bytes(relay: MailRelay) -> None:
    assert all(store(relay, relay.live(1), *range(1, ITEMS + 1)))
    assert store(relay, relay.live(1, vault=2), 1) == [PutReason.RATE]


def test_repetitions_and_what_is_not_stored_are_free() -> None:
    relay = MailRelay(address_bytes=ITEMS * ITEM_COST, channel_items=2)
    relay.work()
    device = relay.live(1)
    assert store(relay, device, 1, 2) == [True, True]
    for _ in range(ITEMS):
        assert store(relay, device, 1, 3) == [False, PutReason.FULL]
    device.erase()
    relay.work()
    assert store(relay, device, 3) == [True]


def test_nothing_is_charged_where_tokens_pay(relay: MailRelay) -> None:
    payers = Payers(relay.clock, 1, is_open=False)
    session = relay.join(1).session
    assert payers.charge(session, 1 << 40)
    assert not Payers(relay.clock, 1, is_open=True).charge(session, 1 << 40)
