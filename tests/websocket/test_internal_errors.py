"""Mistakes of ours, and a connection that is lost, in every call to a session."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.logger import LogEvent

from tests.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, Frame, client_frame, close_frame
from tests.memory import Transport, Wire
from tests.websocket.parts import RecordingSession, make_factory
from vaultrelay.policy.limits.memory import FRAME_READER_BYTES
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.websocket.internal_errors import closing_on_error
from vaultrelay.wire.upgrade import Upgrade

MOST = 4096
INTERNAL = 4008


class Device:
    """A connection on a factory of its own, with a session that fails where told."""

    def __init__(self, **changes: Any) -> None:
        self.sessions: list[RecordingSession] = []
        self.factory: DeviceFactory = make_factory(MOST, open_session=self._open, **changes)
        self.clock: Any = self.factory.reactor
        self.held = 0
        upgrade = Upgrade(3, "dGhlIHNhbXBsZSBub25jZQ==", None, None)
        self.wire = Wire(self.factory.buildProtocol(AdmittedUpgrade(upgrade)))
        self.wire.taken()
        self.session = self.sessions[0]
        self.transport: Transport = self.wire.transport

    def _open(self, outbox: Any, *_: object) -> Any:
        self.sessions.append(RecordingSession(outbox))
        return self.sessions[0]

    def join(self) -> None:
        self.wire.send(client_frame(TEXT, b"hello"))
        self.session.heard.clear()


@pytest.fixture
def device() -> Device:
    device = Device()
    device.join()
    return device


FRAGMENT = client_frame(BINARY, bytes(100), fin=False)
CALLS: dict[str, tuple[str, bytes]] = {
    "data": ("data_received", client_frame(BINARY, b"data")),
    "data in fragments": ("data_received", FRAGMENT + client_frame(CONTINUATION, b"x")),
    "a text": ("text_received", client_frame(TEXT, b"text")),
    "a text in fragments": (
        "text_received",
        client_frame(TEXT, b"te", fin=False) + client_frame(CONTINUATION, b"xt"),
    ),
    "a frame": ("frame_received", client_frame(PING)),
    "the frame of a text": ("frame_received", client_frame(TEXT, b"text")),
    "a fragment": ("frame_received", FRAGMENT),
    "a ping": ("ping_received", client_frame(PING)),
    "a refusal": ("close", client_frame(BINARY, bytes(MOST + 1))),
    "a refusal in fragments": (
        "close",
        client_frame(BINARY, bytes(MOST), fin=False) + client_frame(CONTINUATION, bytes(MOST)),
    ),
    "a violation": ("connection_lost", client_frame(TEXT, b"\xff")),
    "a violation in fragments": (
        "connection_lost",
        FRAGMENT + client_frame(PING, masked=False) + client_frame(CONTINUATION, b"x"),
    ),
    "a close": ("connection_lost", close_frame(1000)),
    "a close in fragments": ("connection_lost", FRAGMENT + close_frame(1000)),
}
EACH = pytest.mark.parametrize(("method", "sent"), CALLS.values(), ids=CALLS.keys())
AFTER = client_frame(PING, b"0123456789")[:9]
"""The start of a frame, which ends where the next read begins."""
CUT = {
    "a ping": AFTER,
    "a message": client_frame(BINARY, bytes(100))[:50],
    "a fragment": client_frame(BINARY, bytes(100), fin=False)[:50],
}


@EACH
@pytest.mark.parametrize("after", [b"", AFTER], ids=["alone", "cut"])
def test_a_mistake_of_ours_ends_the_connection_and_leaves_nothing(
    device: Device, logged_errors: list[LogEvent], method: str, sent: bytes, after: bytes
) -> None:
    device.session.failing = {method}
    device.wire.send(sent + after)
    # A session that is over is called for later frames still, and fails again here.
    event = logged_errors[0]
    logged_errors.clear()
    device.session.failing.clear()
    code, reason = device.wire.closed_with()
    if method != "connection_lost":
        assert (code, reason) == (INTERNAL, f"internal;ref={event['reference']}")
    device.clock.advance(CLOSE_SECONDS)
    assert device.transport.aborted
    device.wire.hang_up()
    assert device.factory.ledger.held == device.factory.count == 0
    assert device.clock.getDelayedCalls() == []


@EACH
@pytest.mark.parametrize("after", CUT.values(), ids=CUT.keys())
def test_a_connection_may_be_lost_in_any_call_to_its_session(
    device: Device, monkeypatch: pytest.MonkeyPatch, method: str, sent: bytes, after: bytes
) -> None:
    original: Callable[..., object] = getattr(device.session, method)

    def lose(*arguments: Any, **named: Any) -> object:
        if device.transport.connected:
            device.wire.hang_up()
        return original(*arguments, **named)

    monkeypatch.setattr(device.session, method, lose)
    device.wire.send(sent + after)
    assert not device.transport.connected
    assert device.factory.ledger.held == device.factory.count == 0
    assert device.clock.getDelayedCalls() == []


def test_a_mistake_at_the_end_of_the_connection_is_logged_and_leaves_nothing(
    device: Device, logged_errors: list[LogEvent]
) -> None:
    device.wire.send(FRAGMENT)
    device.session.failing = {"connection_lost"}
    device.wire.hang_up()
    (event,) = logged_errors
    logged_errors.clear()
    assert event["log_format"] == "Internal error {reference}"
    assert device.factory.ledger.held == device.factory.count == 0


def test_a_session_that_cannot_even_end_does_not_keep_the_connection_open(
    device: Device, logged_errors: list[LogEvent]
) -> None:
    device.session.failing = {"data_received", "close"}
    with pytest.raises(RuntimeError, match="in close"):
        # The hub aborts the stream then.
        device.wire.send(client_frame(BINARY, b"x"))
    logged_errors.clear()
    assert device.wire.closed_with()[0] == INTERNAL
    device.clock.advance(CLOSE_SECONDS)
    assert device.transport.aborted


def test_a_session_that_fails_at_the_start_closes(logged_errors: list[LogEvent]) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    factory = make_factory(open_session=fail)
    upgrade = Upgrade(3, "dGhlIHNhbXBsZSBub25jZQ==", None, None)
    wire = Wire(factory.buildProtocol(AdmittedUpgrade(upgrade)))
    logged_errors.clear()
    head, _, close = wire.taken().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert close[2:4] == INTERNAL.to_bytes(2, "big")
    wire.send(client_frame(BINARY, bytes(100)) + client_frame(TEXT, b"x") + close_frame(4008))
    assert wire.transport.disconnecting
    wire.hang_up()
    assert factory.ledger.held == 0


def test_a_frame_that_pauses_its_device_and_breaks_a_rule_does_not_leave_it_unread(
    device: Device,
) -> None:
    """As the violation that also is one frame more than the rate allows."""
    device.session.pause_at = "frame"
    device.wire.send(client_frame(TEXT, b"\xff", fin=False))
    device.session.pause_at = None
    assert not device.transport.disconnecting
    assert device.wire.is_read
    device.wire.send(client_frame(CONTINUATION) + close_frame(1007))
    assert device.transport.disconnecting
    assert device.factory.ledger.held == FRAME_READER_BYTES
    device.wire.hang_up()
    assert device.factory.ledger.held == 0


def test_a_device_that_closed_already_and_broke_a_rule_then_is_ended_once(device: Device) -> None:
    worst = bytes([0x7B, 0x01])  # reserved bits and opcode, in fragments, not masked
    device.wire.send(worst + b"x" + worst + close_frame(1000) + close_frame(1000))
    assert [frame.opcode for frame in device.wire.frames()] == [CLOSE]
    assert device.transport.disconnecting
    device.wire.send(client_frame(BINARY, bytes(100))[:50])
    assert device.factory.ledger.held == FRAME_READER_BYTES
    device.wire.hang_up()
    assert device.factory.ledger.held == 0


def test_an_error_in_a_callback_calls_its_owner_and_nobody_else() -> None:
    class Owner:
        failures = 0

        @closing_on_error
        def called(self, number: int, fails: bool = False) -> None:
            if fails:
                raise RuntimeError(number)

        def fail_internally(self) -> None:
            self.failures += 1

    owner = Owner()
    owner.called(1)
    assert owner.failures == 0
    owner.called(1, fails=True)
    assert owner.failures == 1


def test_what_a_lost_connection_is_told_goes_nowhere(device: Device) -> None:
    connection: Any = device.wire.protocol
    device.wire.hang_up()
    device.wire.send(client_frame(PING) + client_frame(BINARY, bytes(99))[:50])
    connection.close(4000, "restart")
    connection.deliver([bytes(16)])
    connection.send_control(b"{}")
    connection.send_answer(bytes(16))
    connection.ping()
    assert device.wire.frames() == list[Frame]()
    assert device.factory.ledger.held == 0
