"""Any bytes as a request head: one reading or a whole refusal, of parser and dispatcher."""

import json
from dataclasses import replace
from functools import cache

import h11

from tests.fuzz.oracle import check, reading_in_pieces
from tests.memory import Relay
from tests.wire.h11_reading import by_h11
from vaultrelay.policy.limits.pending import HEAD_BYTES
from vaultrelay.wire.head import HEAD_END
from vaultrelay.wire.proof import CHANNEL_BYTES
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request import Request, read_request
from vaultrelay.wire.request_parser import parse_head
from vaultrelay.wire.upgrade import read_upgrade

_ASKED = [("Host", "relay.test"), ("Upgrade", "websocket"), ("Connection", "Upgrade")]


def head(data: bytes) -> None:
    """The request head in `data`, through the parser and through the dispatcher."""
    check_parser(data.partition(HEAD_END)[0] + HEAD_END)
    check_dispatcher(data)


def check_parser(raw: bytes) -> None:
    """What is accepted is read in one way only; what is not gets an answer that a client reads."""
    try:
        check(parse_head(raw) == by_h11(raw), "h11 reads another request")
        request = read_request(raw)
        check(_read_all(request) == _stripped(request), "written anew, it is another request")
        if not request.wants_websocket:
            return
        upgrade = read_upgrade(request)
    except Refusal as refusal:
        check_refusal(refusal.response())
        check_refusal(refusal.response(to_head=True), to_head=True)
        return
    check(upgrade.channel is None or len(upgrade.channel) == CHANNEL_BYTES, "a channel's size")
    answer = _client("GET")
    answer.receive_data(upgrade.response())
    granted = answer.next_event()
    check(isinstance(granted, h11.InformationalResponse) and granted.status_code == 101, "no 101")


def check_refusal(response: bytes, to_head: bool = False) -> None:
    """A complete HTTP response whose body is our JSON, and nothing behind it."""
    client = _client("HEAD" if to_head else "GET")
    client.receive_data(response)
    told = client.next_event()
    assert isinstance(told, h11.Response)
    check(400 <= told.status_code < 600, "a refusal that is none")
    body, event = b"", client.next_event()
    while isinstance(event, h11.Data):
        body += event.data
        event = client.next_event()
    check(isinstance(event, h11.EndOfMessage), "a refusal that is not complete")
    check(client.trailing_data[0] == b"", "more than a refusal")
    if not to_head:
        check({"error", "detail"} <= set(json.loads(body)), "a refusal without its words")


def check_dispatcher(data: bytes) -> None:
    """A refusal, a page, a 101, or silence until the head is whole; no more kept than a head."""
    relay = _relay()
    wire = relay.connect()
    door = wire.protocol
    for piece in reading_in_pieces(data):
        wire.send(piece)
        if wire.transport.disconnecting:
            break
        check(len(door._head._bytes) <= HEAD_BYTES + len(HEAD_END), "more kept than a head")
    said = wire.taken()
    # Empty lines may stand before the request.
    data = data.lstrip(b"\r\n")
    if said.startswith(b"HTTP/1.1 101 "):
        check(wire.transport.protocol is not door, "a 101 and no WebSocket")
    elif said:
        _check_page(said, to_head=data.startswith(b"HEAD "))
        check(wire.transport.disconnecting, "answered, and left open")
    else:
        check(HEAD_END not in data or wire.transport.disconnecting, "a whole head, no answer")
    wire.hang_up()


def _check_page(said: bytes, to_head: bool) -> None:
    client = _client("HEAD" if to_head else "GET")
    client.receive_data(said)
    event = client.next_event()
    check(isinstance(event, h11.Response), "no HTTP response")
    while isinstance(event, h11.Response | h11.Data):
        event = client.next_event()
        if event is h11.NEED_DATA:
            # twisted.web may end a page with its connection.
            client.receive_data(b"")
            event = client.next_event()
    check(isinstance(event, h11.EndOfMessage), "half an answer")


def _read_all(request: Request) -> Request:
    lines = [f"{request.method} {request.path} HTTP/{request.version}".encode("ascii")]
    lines += [name + b": " + value for name, value in request.headers.items()]
    return read_request(b"\r\n".join([*lines, b"", b""]))


def _stripped(request: Request) -> Request:
    """Without the space at the end where the last of several lines was empty."""
    headers = {name: value.strip(b" ") for name, value in request.headers.items()}
    return replace(request, headers=headers)


def _client(method: str) -> h11.Connection:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=_ASKED))
    client.send(h11.EndOfMessage())
    return client


@cache
def _relay() -> Relay:
    # One for all: a relay takes longer to make than a request to read.
    return Relay()
