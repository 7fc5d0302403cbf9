"""Any bytes after the join: fast path and Autobahn agree, and nothing is kept beyond limits."""

from contextlib import nullcontext
from typing import Any

from tests.frames import BINARY, CLOSE, Frame, mask
from tests.fuzz.oracle import check, reading_in_pieces
from tests.memory import Relay, Wire
from tests.websocket.foreign_reader import autobahn_alone
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.websocket.frame_reader import FrameReader
from vaultrelay.wire.data import pack_data

MOST = 1024
"""Small, so that short inputs reach what is too large."""
A, B = 1, 2
_LONGEST_HEADER = 14
CODES = {1000, 1002, 1007, 4005, 4501, 4502}
"""All that a relay may close with for what a device sends after its join."""


def frames(data: bytes) -> None:
    """A stream as it stands, or one built of frames that the bytes choose."""
    if not data:
        return
    stream = built(data[1:]) if data[0] & 0x80 else data[1:]
    check_reader(stream)
    check(play(stream, fast=True) == play(stream, fast=False), "the two paths differ")


def check_reader(stream: bytes) -> None:
    """The reader alone, in pieces: it finds what the RFC says, and holds one frame at most."""
    ledger = Ledger(MOST)
    reader, found = FrameReader(ledger), list[bytes]()
    reader.message_bytes = MOST
    for piece in reading_in_pieces(stream):
        found += reader.feed(piece)
        partial = reader.partial
        size = 0 if partial is None else partial.received_bytes
        check(len(reader._head) < _LONGEST_HEADER, "more held than a header")
        check(partial is None or 0 < partial.missing_bytes <= MOST - size, "more than a frame")
        check(ledger.held == size, "held and not counted")
        if reader.rest is not None:
            check(reader.rest_bytes > 0, "a rest of nothing")
            break
    check(found == _whole_messages(stream), "other messages than the RFC's")


def _whole_messages(stream: bytes) -> list[bytes]:
    """The payloads of the whole binary frames at the beginning (RFC 6455, section 5.2)."""
    found = []
    while len(stream) >= 2 and stream[0] == 0x82 and stream[1] & 0x80:
        size, start = stream[1] & 0x7F, 2
        wide = {126: 2, 127: 8}.get(size, 0)
        if len(stream) < 2 + wide:
            break
        if wide:
            shortest = 126 if wide == 2 else 1 << 16
            size, start = int.from_bytes(stream[2 : 2 + wide], "big"), 2 + wide
            if size < shortest:
                break
        if size > MOST or len(stream) < start + 4 + size:
            break
        key, start = stream[start : start + 4], start + 4
        found.append(mask(stream[start : start + size], key) if size else b"")
        stream = stream[start + size :]
    return found


def play(stream: bytes, fast: bool) -> Any:
    """What comes of a stream at both devices."""
    with nullcontext() if fast else autobahn_alone():
        relay = Relay(limits=SessionLimits(message_bytes=MOST))
        first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    ledger = relay.service.devices.ledger
    for piece in reading_in_pieces(stream):
        if first.transport.disconnecting:
            break
        first.send(piece)
        kept, counted = _kept(first)
        check(kept <= MOST + 4096, "more kept than a message")
        check(ledger.held == counted, "held and not counted, or the other way round")
    joined, disconnecting = relay.broker.joined, first.transport.disconnecting
    first.hang_up()
    check(ledger.held == 0, "counted after the end")
    return joined, disconnecting, _heard(first), _heard(second)


def _heard(wire: Wire) -> list[Frame]:
    heard = wire.frames()
    for frame in heard:
        if frame.opcode == CLOSE:
            code = int.from_bytes(frame.payload[:2], "big")
            check(code in CODES, f"closed with {code}")
    return heard


def _kept(wire: Wire) -> tuple[int, int]:
    """The bytes that a connection keeps of what came, and how many of them it counts."""
    receiver: Any = wire.protocol._receiver
    reader, foreign = receiver.reader, receiver._foreign
    parts = [
        *(receiver._held._messages if receiver._held else ()),
        reader._head,
        reader.partial._payload if reader.partial else b"",
    ]
    if foreign is not None:
        parts += [foreign.data, *(getattr(foreign, "control_frame_data", None) or ())]
        parts += foreign.message._parts if foreign.message is not None else []
    return reader.rest_bytes + sum(map(len, parts)), wire.protocol.held_bytes


def built(plan: bytes) -> bytes:
    """Frames that three bytes each describe: opcode and FIN, the kind of payload, its size."""
    made, position = b"", 0
    while position + 3 <= len(plan):
        first, kind, size = plan[position : position + 3]
        position += 3
        payload = plan[position : position + size]
        position += len(payload)
        # Reserved bits and odd headers come by themselves from streams that are not built.
        opcode, fin = first & 0x0F, first & 0x80
        if kind & 1 and opcode in (0, BINARY):
            payload = pack_data((B, 99, A, 0xFFFFFFFF)[kind >> 1 & 3], A, kind, payload)
        key = bytes((kind, size, 7, first)) if kind & 0x10 else bytes(4)
        size = len(payload)
        head = bytes([fin | opcode, 0x80 | size]) if size < 126 else b""
        if size >= 126:
            head = bytes([fin | opcode, 0xFE]) + size.to_bytes(2, "big")
        made += head + key + (mask(payload, key) if payload else b"")
    return made
