"""What a relay announces: each figure is held to its range where it is read."""

from typing import Any

import pytest

from vaultrelay.wire import announced, base64url
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.from_relay import read_from_relay
from vaultrelay.wire.control.in_session import Draining, Joined, Keepalive
from vaultrelay.wire.control.joining import Peer, Welcome
from vaultrelay.wire.json_object import BadControl, write_object

LIMITS: dict[str, Any] = {
    "message_bytes": 1048576,
    "messages_per_second": None,
    "bytes_per_second": 1000,
    "channel_devices": 64,
}
WELCOME: dict[str, Any] = {
    "session": 7,
    "peers": [],
    "limits": LIMITS,
    "ping_seconds": 50,
    "session_ttl": 3600,
}
DRAINING: dict[str, Any] = {"reason": "restart", "closes_in": 20, "reconnect": [2, 12]}


MAILBOX: dict[str, Any] = {
    "retention": 604800,
    "item_bytes": 65536,
    "channel_bytes": 10485760,
    "channel_items": 10000,
    "window_bytes": 262144,
}


def welcome(**changes: Any) -> bytes:
    limits = {name: changes.pop(name) for name in LIMITS if name in changes}
    mailbox = {name: changes.pop(name) for name in MAILBOX if name in changes}
    nested = {"limits": LIMITS | limits, "mailbox": MAILBOX | mailbox}
    return write_object("welcome", **WELCOME | nested | changes)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("message_bytes", announced.MESSAGE_BYTES),
        ("messages_per_second", announced.MESSAGES_PER_SECOND),
        ("bytes_per_second", announced.BYTES_PER_SECOND),
        ("channel_devices", announced.CHANNEL_DEVICES),
        ("ping_seconds", announced.PING_SECONDS),
        ("session_ttl", announced.SESSION_TTL),
        *announced.MAILBOX.items(),
    ],
)
def test_a_figure_of_welcome_is_within_its_range(name: str, bounds: tuple[int, int]) -> None:
    lowest, highest = bounds
    for good in bounds:
        assert isinstance(read_from_relay(welcome(**{name: good})), Welcome)
    for bad in (lowest - 1, -highest, highest + 1, 3_000_000_000_000, 10**400):
        with pytest.raises(BadControl, match=f"{name} is not within {lowest} and {highest}"):
            read_from_relay(welcome(**{name: bad}))


def test_a_welcome_lists_no_more_peers_than_a_channel_has_devices() -> None:
    maximum = announced.CHANNEL_DEVICES[1]
    peer = {"session": 3, "device": base64url.encode(bytes(8))}
    assert isinstance(read_from_relay(welcome(peers=[peer] * maximum)), Welcome)
    with pytest.raises(BadControl, match="peers has more than 1000 objects"):
        read_from_relay(welcome(peers=[peer] * (maximum + 1)))


@pytest.mark.parametrize("name", MAILBOX)
def test_a_mailbox_has_all_its_limits(name: str) -> None:
    missing = {other: value for other, value in MAILBOX.items() if other != name}
    for mailbox in (missing, MAILBOX | {name: None}):
        with pytest.raises(BadControl, match=name):
            read_from_relay(welcome(mailbox=mailbox))


@pytest.mark.parametrize("mailbox", [None, [], True, "{}"])
def test_a_mailbox_is_an_object(mailbox: object) -> None:
    with pytest.raises(BadControl, match="mailbox is not an object"):
        read_from_relay(welcome(mailbox=mailbox))


@pytest.mark.parametrize(
    "changes",
    [
        {"closes_in": -1},
        {"closes_in": 3601},
        {"reconnect": [-1, 12]},
        {"reconnect": [12, 2]},
        {"reconnect": [2, 10**12]},
        {"reconnect": [2]},
        {"reconnect": [2, 12, 13]},
    ],
)
def test_a_drain_is_within_an_hour(changes: dict[str, Any]) -> None:
    assert isinstance(read_from_relay(write_object("draining", **DRAINING)), Draining)
    with pytest.raises(BadControl):
        read_from_relay(write_object("draining", **DRAINING | changes))


@pytest.mark.parametrize("seconds", [-1, 0, 19, 601, 10**12])
def test_a_relay_grants_no_ping_interval_that_a_device_cannot_wait_for(seconds: int) -> None:
    text = Keepalive(seconds).encode()
    assert read_from_device(text) == Keepalive(seconds), "the relay grants one within the range"
    with pytest.raises(BadControl, match="ping_seconds is not within 20 and 600"):
        read_from_relay(text)


def test_other_control_messages_have_no_figures_to_bound() -> None:
    assert isinstance(read_from_relay(Joined(Peer(3, bytes(8))).encode()), Joined)
