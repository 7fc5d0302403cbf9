"""HAProxy's peers protocol, version 2: the part that announces entries of one table.

HAProxy documents it in doc/peers-v2.0.txt. HAProxy connects and sends a hello of three lines; the
answer is a status line. Then both sides send messages: two bytes for class and type, and for types
from 128 on an encoded length and as many bytes.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256

HELLO_BEGINS = b"HAProxyS "
HELLO_BYTES = 512
"""Of all three lines, at most: names have 63 characters and HAProxy adds two numbers."""
HELLO_LINES = 3
ACCEPTED = b"200\n"
TRY_LATER = b"300\n"
BAD_PROTOCOL = b"501\n"
BAD_VERSION = b"502\n"
HEARTBEAT = b"\x00\x04"
RESYNC_PARTIAL = b"\x00\x02"
"""This peer has sent, or will send, all its entries; ask the others, too."""
MESSAGE_BYTES = 16 * 1024
"""The size of HAProxy's own buffer, and so of its longest message."""

_RESYNC_REQUEST = b"\x00\x00"
_HEAD_BYTES = 2
_MAX_HEAD_BYTES = _HEAD_BYTES + 5
_HAS_LENGTH = 0x80
_MORE_FIRST, _MORE = 0xF0, 0x80
"""The least values of a byte of an encoded number, the first or another, that is not the last."""
_UPDATE, _DEFINITION = b"\x0a\x81", b"\x0a\x82"
_TABLE = b"/held"
"""The name of the table `held` of a peers section for other peers."""
_TABLE_NUMBER = 1
_BINARY = 7
_SERVER_KEY = 1 << 19
_DIGEST_BYTES = 32
_NAME_NUMBER = 1
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}")
"""The relay names that `vault-relay haproxy` accepts."""


class BadPeer(Exception):
    """A violation of the peers protocol. `answer` is the status line to send, if any."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__(answer)
        self.answer = answer


def read_hello(lines: list[bytes]) -> tuple[str, str]:
    """Return the names of this relay and of the HAProxy in a hello.

    Raises BadPeer for another version or a malformed name.
    """
    if not lines[0].startswith(HELLO_BEGINS + b"2."):
        raise BadPeer(BAD_VERSION)
    relay, haproxy = lines[1], lines[2].split(b" ")[0]
    if not (_NAME.fullmatch(relay) and _NAME.fullmatch(haproxy)):
        raise BadPeer(BAD_PROTOCOL)
    return relay.decode("ascii"), haproxy.decode("ascii")


def table_definition() -> bytes:
    """Return the definition of the table: binary keys of 32 bytes, each with the name of a
    server."""
    body = _encoded(_TABLE_NUMBER) + _with_length(_TABLE) + _encoded(_BINARY)
    return _DEFINITION + _with_length(body + _encoded(_DIGEST_BYTES) + _encoded(_SERVER_KEY))


def updates(channels: Iterable[bytes], relay: str) -> bytes:
    """Return the announcement that these channels are on the server named `relay`.

    The key is a digest, so that the connection and the table reveal no channel.
    """
    name = _encoded(_NAME_NUMBER) + _with_length(relay.encode("ascii"))
    after = _with_length(name)
    before = _UPDATE + _encoded(_DIGEST_BYTES + len(after))
    return b"".join(
        piece for channel in channels for piece in (before, channel_digest(channel), after)
    )


def channel_digest(channel: bytes) -> bytes:
    """Return the key of a channel: the result of HAProxy's ``ub64dec,sha2(256)`` on its text."""
    return sha256(channel).digest()


class Messages:
    """Splits HAProxy's stream into messages, of which only a request for a resync matters."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> Iterator[bool]:
        """Yield for each message that is complete whether it is a resync request.

        Raises BadPeer if a message is too long.
        """
        data, at = self._rest + data, 0
        while (size := _message_size(data, at)) and at + size <= len(data):
            yield data[at : at + size] == _RESYNC_REQUEST
            at += size
        self._rest = data[at:]


def _message_size(data: bytes, at: int) -> int:
    """Return the size of the message at `at`; 0 while it is unknown."""
    if at + _HEAD_BYTES > len(data):
        return 0
    if data[at + 1] < _HAS_LENGTH:
        return _HEAD_BYTES
    length, shift, last = 0, 0, _MORE_FIRST
    for size, byte in enumerate(data[at + _HEAD_BYTES : at + _MAX_HEAD_BYTES], _HEAD_BYTES + 1):
        length += byte << shift
        if length > MESSAGE_BYTES:
            raise BadPeer
        if byte < last:
            return size + length
        shift, last = shift + (7 if shift else 4), _MORE
    return 0


def _encoded(number: int) -> bytes:
    """Return HAProxy's encoding of an integer: one byte below 240, then 4 and 7 bits a byte."""
    if number < _MORE_FIRST:
        return bytes([number])
    encoded = bytearray([number & 0xFF | _MORE_FIRST])
    number = (number - _MORE_FIRST) >> 4
    while number >= _MORE:
        encoded.append(number & 0xFF | _MORE)
        number = (number - _MORE) >> 7
    return bytes([*encoded, number])


def _with_length(data: bytes) -> bytes:
    return _encoded(len(data)) + data
