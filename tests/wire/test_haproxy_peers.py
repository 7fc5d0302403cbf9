"""The peers protocol of HAProxy: hellos, the bytes of announcements, and what HAProxy sends."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultrelay.wire.haproxy_peers import (
    BAD_PROTOCOL,
    BAD_VERSION,
    HEARTBEAT,
    MESSAGE_BYTES,
    BadPeer,
    Messages,
    channel_digest,
    read_hello,
    table_definition,
    updates,
)

CHANNEL = bytes(range(32))
REQUEST = b"\x00\x00"
ACK = b"\x0a\x84\x05\x01\x00\x00\x00\x05"
"""As HAProxy 2.6.12 sends it, for the fifth entry of the first table."""


def test_a_hello_names_the_relay_and_the_haproxy() -> None:
    assert read_hello([b"HAProxyS 2.1", b"w1", b"here 528 1"]) == ("w1", "here")
    assert read_hello([b"HAProxyS 2.0", b"fd00::2:80", b"lb-1 1 0"]) == ("fd00::2:80", "lb-1")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ([b"HAProxyS 3.0", b"w1", b"here 1 1"], BAD_VERSION),
        ([b"HAProxyS 1.0", b"w1", b"here 1 1"], BAD_VERSION),
        ([b"HAProxyS", b"w1", b"here 1 1"], BAD_VERSION),
        ([b"GET / HTTP/1.1", b"w1", b"here 1 1"], BAD_VERSION),
        ([b"HAProxyS 2.1", b"", b"here 1 1"], BAD_PROTOCOL),
        ([b"HAProxyS 2.1", b"w1\r", b"here 1 1"], BAD_PROTOCOL),
        ([b"HAProxyS 2.1", b"w" * 64, b"here 1 1"], BAD_PROTOCOL),
        ([b"HAProxyS 2.1", b"w1", b"\x1b[2J 1 1"], BAD_PROTOCOL),
        ([b"HAProxyS 2.1", b"w1", b""], BAD_PROTOCOL),
    ],
    ids=str,
)
def test_another_hello_is_refused(lines: list[bytes], answer: bytes) -> None:
    with pytest.raises(BadPeer) as refused:
        read_hello(lines)
    assert refused.value.answer == answer


def test_the_bytes_are_those_that_haproxy_reads() -> None:
    # Tried with HAProxy 2.6.12: `show table relays/held` had the key, and server_key=w1.
    assert table_definition() == bytes.fromhex("0a820d") + b"\x01\x05/held\x07\x20\xf0\xf1\xfe\x00"
    key = hashlib.sha256(CHANNEL).digest()
    assert channel_digest(CHANNEL) == key
    assert updates([CHANNEL], "w1") == b"\x0a\x81\x25" + key + b"\x04\x01\x02w1"
    assert updates([CHANNEL, CHANNEL], "w1") == 2 * updates([CHANNEL], "w1")
    assert updates([], "w1") == b""


def test_only_a_request_for_a_resync_matters() -> None:
    assert sum(Messages().read(REQUEST + ACK + HEARTBEAT + REQUEST)) == 2
    assert sum(Messages().read(ACK + b"\x00\x03" + HEARTBEAT)) == 0
    # In the data of another message it is none.
    assert sum(Messages().read(b"\x0a\x80\x04" + 2 * REQUEST)) == 0


@given(
    st.lists(
        st.one_of(
            st.sampled_from([REQUEST, HEARTBEAT, ACK]),
            st.integers(0, 3000).map(lambda size: b"\x0a\x80" + length(size) + bytes(size)),
        ),
        max_size=8,
    ),
    st.integers(1, 50),
)
def test_messages_may_come_in_any_pieces(sent: list[bytes], size: int) -> None:
    data, messages = b"".join(sent), Messages()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert sum(sum(messages.read(piece)) for piece in pieces) == sent.count(REQUEST)


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a\x80" + bytes([0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        b"\x0a\x80" + b"\xff" * 20,
        b"\x01\x80\xf1\xff\x7f",
    ],
    ids=["5 bytes", "endless", "class 1"],
)
def test_a_longer_message_than_haproxy_has_is_refused(message: bytes) -> None:
    with pytest.raises(BadPeer):
        sum(Messages().read(message))


def test_the_longest_message_is_read() -> None:
    longest = b"\x0a\x80" + length(MESSAGE_BYTES) + bytes(MESSAGE_BYTES)
    assert sum(Messages().read(longest + REQUEST)) == 1


def length(size: int) -> bytes:
    """HAProxy's encoding, by the table in its doc/peers-v2.0.txt."""
    if size < 240:
        return bytes([size])
    low, rest = size & 0x0F, (size - 240) >> 4
    if rest < 128:
        return bytes([0xF0 | low, rest])
    return bytes([0xF0 | low, 0x80 | (rest & 0x7F), (rest - 128) >> 7])
