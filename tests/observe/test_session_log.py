"""The session log: which lines there are at which level, and whom they name."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from twisted.logger import LogEvent, globalLogPublisher

from tests.frames import BINARY, TEXT, client_frame, close_frame
from tests.memory import Relay, Wire
from vaultrelay.logs import set_addresses, set_level
from vaultrelay.observe.session_log import log_refusal

DEVICE = ip_address("2001:db8::7")
NAMED = r"address=(a-\w{6}) channel=(c-\w{6})"


@pytest.fixture(autouse=True)
def usual_log() -> Iterator[None]:
    """Level and names are the process's; each test leaves the defaults."""
    yield
    set_level("info")
    set_addresses("pseudonym")


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    found: list[LogEvent] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_namespace") == "vaultrelay":
            found.append(event)

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


def lines(events: list[LogEvent]) -> list[str]:
    return [str(event["log_format"]).format(**event) for event in events]


def joined(relay: Relay, device: bytes = b"device-a") -> Wire:
    """A device that joined, whose address is known."""
    wire = relay.connect()
    wire.upgrade()
    for session in relay.broker.sessions:
        session.address = DEVICE
    wire.hello(device)
    return wire


def test_the_end_of_a_session_names_address_and_channel(events: list[LogEvent]) -> None:
    relay = Relay()
    first, second = joined(relay), joined(relay, b"device-b")
    first.data(b"secret payload")
    first.send(close_frame(1000))
    second.hang_up()
    one, two = lines(events)
    found = re.fullmatch(rf"Session ended: closed; 0 s, 1 messages, 30 bytes; {NAMED}", one)
    assert found, one
    assert two == f"Session ended: lost; 0 s, 0 messages, 0 bytes; {one.split('; ')[2]}"
    assert (events[0]["address"], events[0]["channel"]) == found.groups()


@pytest.mark.parametrize(
    ("way", "ending"),
    [("none", "0 bytes"), ("full", r"0 bytes; address=2001:db8::7 channel=c-\w{6}")],
)
def test_it_names_whom_the_operator_wants(events: list[LogEvent], way: str, ending: str) -> None:
    set_addresses(way)
    joined(Relay()).hang_up()
    (line,) = lines(events)
    assert re.fullmatch(f"Session ended: lost; 0 s, 0 messages, {ending}", line)


def test_a_join_and_a_refusal_are_told_at_debug(events: list[LogEvent]) -> None:
    set_level("debug")
    relay = Relay(public_urls=("relay.test",))
    joined(relay)
    refused = relay.connect("198.51.100.1")
    refused.upgrade()
    refused.hello(audience="elsewhere.test")
    assert relay.connect("198.51.100.1").upgrade("/nothing").startswith(b"HTTP/1.1 404")
    began, hello, upgrade = lines(events)
    assert re.fullmatch(f"Session began; {NAMED}", began)
    closed = r"Closed with 4504 audience: the device dialled a name that is not this relay's"
    found = re.fullmatch(closed + r"(; address=a-\w{6})", hello)
    assert found, hello
    assert upgrade == "Refused: not_found" + found.group(1)


@pytest.mark.parametrize(
    ("opcode", "payload", "line"),
    [
        (TEXT, b"{", "a control message is not JSON in UTF-8"),
        (TEXT, b'{"type":"keepalive","ping_seconds":50}', "a keepalive came before the welcome"),
        (BINARY, bytes(16), "a data message came before the welcome"),
        (
            TEXT,
            b'{"type":"hello","audience":"a","channel":"AAAA"}',
            "channel is 3 bytes instead of 32",
        ),
        (TEXT, b'{"type":"hello","audience":"secret","nonce":"\\n"}', "channel is missing"),
    ],
)
def test_a_close_before_the_welcome_says_why_at_debug(
    events: list[LogEvent], opcode: int, payload: bytes, line: str
) -> None:
    set_level("debug")
    wire = Relay().connect("192.0.2.7")
    wire.upgrade()
    wire.send(client_frame(opcode, payload))
    (closed,) = lines(events)
    assert re.fullmatch(rf"Closed with 4501 bad_message: {line}; address=a-\w{{6}}", closed)


def test_a_connection_that_ends_by_itself_before_the_welcome_leaves_no_line(
    events: list[LogEvent],
) -> None:
    set_level("debug")
    wire = Relay().connect("192.0.2.7")
    wire.upgrade()
    wire.hang_up()
    assert lines(events) == []


def test_of_a_refusal_through_a_proxy_the_address_is_that_of_the_device(
    events: list[LogEvent],
) -> None:
    set_level("debug")
    set_addresses("full")
    relay = Relay(trusted_proxies=("10.0.0.1",))
    relay.connect("10.0.0.1").upgrade("/nothing", X_Forwarded_For="192.0.2.7")
    relay.connect("10.0.0.1").upgrade("/nothing")
    relay.connect("unix").upgrade("/nothing")
    named = [line.rpartition("=")[2] for line in lines(events)]
    assert named == ["192.0.2.7", "10.0.0.1", "unknown"]


@pytest.mark.parametrize("level", ["info", "error"])
def test_nobody_is_looked_up_for_a_line_that_is_not_heard(
    events: list[LogEvent], monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    set_level(level)
    monkeypatch.setattr("vaultrelay.observe.session_log.names", None)
    log_refusal("audience", DEVICE)
    joined(Relay())
    assert events == []
