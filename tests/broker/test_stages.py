"""The table of transitions is what a session really does, for every stage and event."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.broker.fakes import Device, Relay
from vaultrelay.broker.stages import BROKEN_RULES, TRANSITIONS, Event, Stage
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.in_session import Keepalive
from vaultrelay.wire.control.mailbox import Erase, read_with_mailbox
from vaultrelay.wire.data import EVERYONE, pack_data

BRING: dict[Stage, Callable[[Device], object]] = {
    Stage.CHALLENGED: lambda device: None,
    Stage.JOINED: lambda device: device.join(),
    Stage.CLOSED: lambda device: device.session.close(CloseCode.RESTART),
}
MAKE: dict[Event, list[Callable[[Device], object]]] = {
    Event.HELLO: [lambda device: device.join()],
    Event.KEEPALIVE: [lambda device: device.say(Keepalive(50))],
    Event.ERASE: [lambda device: device.say(Erase().encode())],
    Event.DATA: [
        lambda device: device.session.data_received([pack_data(EVERYONE, device.number, 1, b"")]),
    ],
    Event.CLOSE: [
        lambda device: device.session.close(CloseCode.IDLE),
        lambda device: device.leave(),
        lambda device: device.leave(clean=False),
        lambda device: device.say(b"no control message"),
        lambda device: device.say(device.hello(relay_nonce=bytes(32))),
    ],
}
PAIRS = [(stage, event, make) for stage in Stage for event in Event for make in MAKE[event]]


class Erasable:
    """A mailbox that every device may erase."""

    limits: Any = None

    def open(self, *_: object) -> None:
        """Send nothing."""

    def put(self, *_: object) -> bool:
        return False

    def read_control(self, text: bytes) -> Any:
        return read_with_mailbox(text)

    def control_received(self, *_: object) -> bool:
        return True

    def close(self, *_: object) -> None:
        """There is nothing to end."""


@pytest.mark.parametrize(("stage", "event", "make"), PAIRS)
def test_every_event_in_every_stage_does_what_the_table_has(
    stage: Stage, event: Event, make: Callable[[Device], object]
) -> None:
    relay = Relay()
    relay.broker.open_mailbox(Erasable())
    device = relay.connect()
    BRING[stage](device)
    before = device.closed()
    assert device.session.stage is stage
    make(device)
    target = TRANSITIONS[stage].get(event)
    rule = BROKEN_RULES.get((stage, event))
    assert target is None or rule is None, "an event is allowed, or it breaks a rule"
    if rule is not None:
        assert device.session.stage is Stage.CLOSED
        assert device.closed() == f"4501 bad_message;rule={rule.slug}"
    else:
        assert device.session.stage is (target or stage)
    if event is not Event.CLOSE and rule is None:
        assert device.closed() == before


def test_before_the_end_every_event_is_in_one_of_the_tables() -> None:
    for stage, targets in TRANSITIONS.items():
        broken = {event for where, event in BROKEN_RULES if where is stage}
        expected = set() if stage is Stage.CLOSED else set(Event)
        assert targets.keys() | broken == expected
