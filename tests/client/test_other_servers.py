"""The reference client against servers that are no relay."""

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import CancelledError, ensureDeferred

from tests.client.world import URL, InMemory, World, hung_up, result, scripted
from tests.memory import SEED, Relay
from vaultrelay.client import Closed, Refused, connect
from vaultrelay.wire.control.joining import Challenge


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nproxy", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", 200),
        (b"nonsense\r\nContent-Length: 0\r\n\r\n", 0),
    ],
)
def test_what_is_no_relay_is_told_apart(answer: bytes, status: int) -> None:
    _, connecting = scripted(answer)
    with pytest.raises(Refused) as refused:
        result(connecting)
    assert (refused.value.status, refused.value.error) == (status, "no_relay")


def test_a_server_that_never_answers_is_given_up() -> None:
    server, connecting = scripted(b"HTTP/1.1 500 Oops\r\n\r\nendless")
    with pytest.raises(CancelledError):
        result(connecting)
    assert server.lost


def test_a_web_socket_that_is_no_relay_is_told_apart() -> None:
    factory = WebSocketServerFactory(reactor=Relay().clock)
    factory.protocol = WebSocketServerProtocol
    factory.setProtocolOptions(openHandshakeTimeout=0)
    clock = Relay().clock
    network = InMemory(clock, lambda: factory.buildProtocol(None))
    connecting = ensureDeferred(connect(clock, URL, SEED, b"device-a", endpoint=network))
    network.flush()
    with pytest.raises(Refused, match="it is not a VaultMesh relay"):
        result(connecting)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"\x15\x03\x03\0\x02\x02\x46", "speaks TLS"), (b"", "ended without an answer")],
)
def test_a_connection_that_ends_without_an_answer_is_no_relay(answer: bytes, said: str) -> None:
    server, connecting = scripted(answer) if answer else hung_up()
    with pytest.raises(Refused, match=said):
        result(connecting)
    assert server.lost


def test_another_version_of_the_challenge_is_not_signed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Challenge(bytes(32), "1.0.0", protocol=4).encode()
    monkeypatch.setattr(Challenge, "encode", lambda self: other)
    with pytest.raises(Closed, match="this protocol version does not define"):
        world.join(b"device-a")
