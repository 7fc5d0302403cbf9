"""How the devices of one group meet on each kind of server.

The first device sends and the others receive. A message has the same size on the wire wherever the
server prescribes no envelope of its own.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.lines import Dial, Line, Refused
from tests.frames import BINARY, CONTINUATION, TEXT, client_frame
from vaultrelay.wire import base64url
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.data import EVERYONE, HEADER_BYTES, pack_data
from vaultrelay.wire.proof import channel_of, join_body, sign_join

AUDIENCE = "relay.test"
_DATA = (CONTINUATION, BINARY)


@dataclass(frozen=True)
class Group:
    """Devices that have met, and how a message of so many bytes leaves and arrives."""

    sender: Line
    receivers: list[Line]
    outgoing: Callable[[int], bytes] = field(default=secrets.token_bytes)
    arriving_bytes: Callable[[int], int] = field(default=int)

    @property
    def lines(self) -> list[Line]:
        """All of them, the sender first."""
        return [self.sender, *self.receivers]


Meeting = Callable[[Dial, int, int], Group]
"""Lets so many devices meet in the room of that number."""
Crowd = Callable[[Dial, int], list[Line]]
"""Connects so many devices at once."""


def check(group: Group, size: int) -> None:
    """Pass one message, as the generator counts bytes and does not look at them."""
    message = group.outgoing(size)
    group.sender.send(BINARY, message)
    for line in group.receivers:
        arrived = b""
        while len(arrived) < group.arriving_bytes(size):
            frame = line.receive()
            arrived += frame.payload if frame.opcode in _DATA else b""
        # NATS writes another first line, with another length, before what was sent.
        if arrived[-size:] != message[-size:]:
            raise Refused("a message was changed on its way")


def on_one_path(dial: Dial, room: int, devices: int) -> Group:
    """Devices that open the same path are in one room."""
    lines = [dial.open(f"/{room}") for _ in range(devices)]
    return Group(lines[0], lines[1:])


def in_a_channel(dial: Dial, room: int, devices: int) -> Group:
    """The relay's own: devices prove that they hold the channel's key."""
    seed = room.to_bytes(32, "big")
    joined = [_join(dial, seed, index.to_bytes(8, "big")) for index in range(devices)]
    sender, me = joined[0]
    # Of more than two, the sender must mean all others.
    to = joined[1][1] if devices == len(("sender", "receiver")) else EVERYONE

    def message(size: int) -> bytes:
        return pack_data(to, me, 1, secrets.token_bytes(size - HEADER_BYTES))

    return Group(sender, [line for line, _ in joined[1:]], message)


def all_upgraded(dial: Dial, devices: int) -> list[Line]:
    """Connections with an answered upgrade, all that most servers have."""
    lines = [dial.connect() for _ in range(devices)]
    for line in lines:
        line.ask("/", "")
    for line in lines:
        line.upgraded()
    return lines


def all_joined(dial: Dial, devices: int) -> list[Line]:
    """The relay's own: devices that are welcomed, two in each channel."""
    seeds = [(room // 2).to_bytes(32, "big") for room in range(devices)]
    headers = [_headers(channel_of(seed)) for seed in seeds]
    lines = [dial.connect() for _ in range(devices)]
    for line, named in zip(lines, headers, strict=True):
        line.ask("/", named)
    hellos = []
    for index, line in enumerate(lines):
        line.upgraded()
        hellos.append(_hello(line, seeds[index], index.to_bytes(8, "big")))
    frames = [client_frame(TEXT, hello) for hello in hellos]
    for line, frame in zip(lines, frames, strict=True):
        line.write(frame)
    for line in lines:
        if b'"welcome"' not in line.receive().payload:
            raise Refused("a device was not welcomed")
    return lines


def with_a_token(dial: Dial, room: int, devices: int) -> Group:
    """Magic Wormhole's transit relay: two devices that say the same token are a pair."""
    lines = [dial.open() for _ in range(devices)]
    for side, line in enumerate(lines):
        line.send(BINARY, f"please relay {room:064x} for side {side:016x}".encode())
    for line in lines:
        if line.receive().payload != b"ok\n":
            raise Refused("no partner")
    return Group(lines[0], lines[1:])


def on_a_subject(dial: Dial, room: int, devices: int) -> Group:
    """NATS: receivers subscribe to a subject, and the sender publishes to it."""
    lines = [dial.open() for _ in range(devices)]
    for index, line in enumerate(lines):
        line.receive()
        subscribe = f"SUB {room} 1\r\n" if index else ""
        line.send(BINARY, f'CONNECT {{"verbose":false}}\r\n{subscribe}PING\r\n'.encode())
        while b"PONG" not in line.receive().payload:
            pass

    def message(size: int) -> bytes:
        return b"PUB %d %d\r\n%b\r\n" % (room, size, secrets.token_bytes(size))

    def arriving_bytes(size: int) -> int:
        return len(b"MSG %d 1 %d\r\n" % (room, size)) + size + len(b"\r\n")

    return Group(lines[0], lines[1:], message, arriving_bytes)


def _join(dial: Dial, seed: bytes, device: bytes) -> tuple[Line, int]:
    line = dial.open(headers=_headers(channel_of(seed)))
    line.send(TEXT, _hello(line, seed, device))
    return line, json.loads(line.receive().payload)["session"]


def _headers(channel: bytes) -> str:
    named = base64url.encode(channel)
    return f"X-VaultMesh-Protocol: 3\r\nX-VaultMesh-Channel: {named}\r\n"


def _hello(line: Line, seed: bytes, device: bytes) -> bytes:
    """Return the hello that answers the challenge on a line."""
    relay_nonce = base64url.decode(json.loads(line.receive().payload)["nonce"], 32)
    nonce, channel = secrets.token_bytes(16), channel_of(seed)
    proof = sign_join(seed, join_body(relay_nonce, nonce, channel, device, AUDIENCE))
    return Hello(channel, device, nonce, AUDIENCE, proof).encode()
