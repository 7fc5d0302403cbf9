"""A device whose turn is over in the middle of a read: the rest is held until its next turn."""

from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

from tests.frames import BINARY, client_frame
from tests.websocket.parts import connect, make_factory
from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import Stage
from vaultrelay.policy.access import Admission
from vaultrelay.policy.budgets import BudgetBook
from vaultrelay.policy.limits.core import TURN_DELIVERIES
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.data import EVERYONE, RunEnd, end_of_run, pack_data

RECEIVERS = 20
PER_TURN = TURN_DELIVERIES // RECEIVERS + 1


class CountingChannel:
    """A channel that counts what comes."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.relayed = 0

    def run_end(self, sender: Session, messages: list[bytes], start: int, _: int) -> RunEnd:
        return end_of_run(messages, start, *sender.rates.affordable(RECEIVERS))

    def relay(self, _: Session, messages: list[bytes], *__: int) -> int:
        self.relayed += len(messages)
        return RECEIVERS


def joined(factory: Any, book: BudgetBook, address: str) -> Any:
    """A connection whose session has joined a CountingChannel."""
    owner: Any = SimpleNamespace(clock=factory.reactor, limits=SessionLimits())
    admission = Admission(book.arrive(ip_address(address), 0))
    factory.open_session = lambda outbox, name, _: Session(owner, outbox, name, admission)
    connection = connect(factory)
    session = connection.session
    session.stage, session.number = Stage.JOINED, 1
    session.channel = CountingChannel(address.encode())
    return connection


def test_the_rest_of_a_read_waits_for_the_next_turn() -> None:
    factory, book = make_factory(), BudgetBook(10)
    one, other = (joined(factory, book, each) for each in ("198.51.100.1", "203.0.113.1"))
    frame = client_frame(BINARY, pack_data(EVERYONE, 1, 7, b"text"))
    factory.core_shares.round_was_long()
    other.dataReceived(frame)
    one.dataReceived(frame * 10)
    channel = one.session.channel
    assert channel.relayed == PER_TURN
    assert not one.session.flow.gate.is_open
    assert one.held_bytes > 0
    factory.reactor.advance(0)
    assert channel.relayed == 10
    assert one.session.flow.gate.is_open
    assert one.held_bytes == 0
    assert other.session.flow.gate.is_open
