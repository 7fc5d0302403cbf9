"""The session log: which lines there are at which level, and whom they name."""

import re
from ipaddress import ip_address
from typing import Any

import pytest

from tests.frames import BINARY, TEXT, client_frame, close_frame
from tests.memory import Relay, Wire
from vaultrelay.logs import LogSettings
from vaultrelay.observe.session_log import SessionLog

DEVICE = ip_address("2001:db8::7")
NAMED = r"address=(a-\w{6}) channel=(c-\w{6})"


def relay_that_logs(level: str = "info", addresses: str = "pseudonym", **settings: Any) -> Relay:
    relay = Relay(**settings)
    relay.log.configure(LogSettings(level=level, addresses=addresses))
    return relay


def joined(relay: Relay, device: bytes = b"device-a") -> Wire:
    """A device that joined, whose address is known."""
    wire = relay.connect()
    wire.upgrade()
    for session in relay.broker.sessions:
        session.address = DEVICE
    wire.hello(device)
    return wire


def test_the_end_of_a_session_names_address_and_channel() -> None:
    relay = Relay()
    first, second = joined(relay), joined(relay, b"device-b")
    first.data(b"secret payload")
    first.send(close_frame(1000))
    second.hang_up()
    one, two = relay.log.lines
    found = re.fullmatch(rf"Session ended: closed; 0 s, 1 messages, 30 bytes; {NAMED}", one)
    assert found, one
    assert two == f"Session ended: lost; 0 s, 0 messages, 0 bytes; {one.split('; ')[2]}"
    assert (relay.log.events[0]["address"], relay.log.events[0]["channel"]) == found.groups()


@pytest.mark.parametrize(
    ("way", "ending"),
    [("none", "0 bytes"), ("full", r"0 bytes; address=2001:db8::7 channel=c-\w{6}")],
)
def test_it_names_whom_the_operator_wants(way: str, ending: str) -> None:
    relay = relay_that_logs(addresses=way)
    joined(relay).hang_up()
    (line,) = relay.log.lines
    assert re.fullmatch(f"Session ended: lost; 0 s, 0 messages, {ending}", line)


def test_a_join_and_a_refusal_are_told_at_debug() -> None:
    relay = relay_that_logs(level="debug", public_urls=("relay.test",))
    joined(relay)
    refused = relay.connect("198.51.100.1")
    refused.upgrade()
    refused.hello(audience="elsewhere.test")
    assert relay.connect("198.51.100.1").upgrade("/nothing").startswith(b"HTTP/1.1 404")
    began, hello, upgrade = relay.log.lines
    assert re.fullmatch(f"Session started; {NAMED}", began)
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
    opcode: int, payload: bytes, line: str
) -> None:
    relay = relay_that_logs(level="debug")
    wire = relay.connect("192.0.2.7")
    wire.upgrade()
    wire.send(client_frame(opcode, payload))
    (closed,) = relay.log.lines
    assert re.fullmatch(rf"Closed with 4501 bad_message: {line}; address=a-\w{{6}}", closed)


def test_a_connection_that_ends_by_itself_before_the_welcome_leaves_no_line() -> None:
    relay = relay_that_logs(level="debug")
    wire = relay.connect("192.0.2.7")
    wire.upgrade()
    wire.hang_up()
    assert relay.log.events == []


def test_of_a_refusal_through_a_proxy_the_address_is_that_of_the_device() -> None:
    relay = relay_that_logs(level="debug", addresses="full", trusted_proxies=("10.0.0.1",))
    relay.connect("10.0.0.1").upgrade("/nothing", X_Forwarded_For="192.0.2.7")
    relay.connect("10.0.0.1").upgrade("/nothing")
    relay.connect("unix").upgrade("/nothing")
    named = [line.rpartition("=")[2] for line in relay.log.lines]
    assert named == ["192.0.2.7", "10.0.0.1", "unknown"]


@pytest.mark.parametrize("level", ["info", "error"])
def test_nobody_is_looked_up_for_a_line_that_is_not_heard(
    monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    relay = relay_that_logs(level=level)
    monkeypatch.setattr(relay.log, "names", None)
    SessionLog(relay.log).refused("audience", DEVICE)
    joined(relay)
    assert relay.log.events == []
