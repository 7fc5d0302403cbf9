"""A connection at the scripted relay: what a hostile client can make of it has bounds."""

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection

from tests.frames import BINARY, CLOSE, PING, TEXT, client_frame
from vaultrelay.conformance import relay_connection
from vaultrelay.conformance.pulse import Pulse
from vaultrelay.conformance.relay_connection import RelayConnection

HEAD = b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n"


class Transport(StringTransportWithDisconnection):
    """A transport in memory."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It has no delay."""


@pytest.fixture
def connection() -> RelayConnection:
    clock: Any = Clock()
    found = RelayConnection(Pulse(clock), lambda side, text: None)
    transport = Transport()
    transport.protocol = found
    found.makeConnection(transport)
    return found


def test_request_and_frames_may_come_together(connection: RelayConnection) -> None:
    connection.dataReceived(HEAD[:10])
    assert connection.request is None
    connection.dataReceived(HEAD[10:] + client_frame(TEXT, b"a", fin=False))
    connection.dataReceived(client_frame(0, b"b"))
    assert connection.request is not None
    assert list(connection.received) == [(TEXT, b"ab")]


def test_pings_and_a_close_are_answered(connection: RelayConnection) -> None:
    connection.dataReceived(HEAD + client_frame(PING, b"x") + client_frame(CLOSE, b"\x03\xe8"))
    assert connection.transport.value() == b"\x8a\x01x\x88\x02\x03\xe8"
    assert connection.is_over


@pytest.mark.parametrize(("asked", "answered"), [(5, 20), (300, 300), (9000, 600)])
def test_keepalives_are_answered_with_the_interval_in_force(
    connection: RelayConnection, asked: int, answered: int
) -> None:
    text = b'{"type":"keepalive","ping_seconds":%d}'
    connection.dataReceived(HEAD + client_frame(TEXT, text % asked))
    assert connection.transport.value()[2:] == text % answered


def test_a_mute_connection_answers_nothing(connection: RelayConnection) -> None:
    connection.is_mute = True
    keepalive = client_frame(TEXT, b'{"type":"keepalive","ping_seconds":50}')
    connection.dataReceived(HEAD + keepalive + client_frame(PING, b"") + client_frame(CLOSE, b""))
    assert connection.transport.value() == b""
    assert len(connection.received) == 3
    assert not connection.is_over


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"GET / HTTP/1.1\r\nX: " + 9000 * b"x", "more than 8192 bytes"),
        (b"hello\r\n\r\n", "HTTP"),
        (HEAD + b"\x82\x00", "without a mask"),
        (HEAD + 4 * client_frame(BINARY, b""), "frames that nothing asked for"),
        (HEAD + client_frame(BINARY, bytes(101), fin=False), "frames that nothing asked for"),
    ],
    # Frames have random masks, which must not be in the names.
    ids=("long head", "no request", "no mask", "many frames", "many bytes"),
)
def test_a_violation_is_kept_and_nothing_read_after_it(
    connection: RelayConnection, data: bytes, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_connection, "MAX_FRAMES", 3)
    monkeypatch.setattr(relay_connection, "MAX_HELD_BYTES", 100)
    connection.dataReceived(data)
    assert fault in connection.fault
    before = len(connection.received)
    connection.dataReceived(client_frame(BINARY, b""))
    assert len(connection.received) == before
