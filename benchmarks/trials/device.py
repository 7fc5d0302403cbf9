"""A device of a trial: joins, sends and receives, and counts what comes to it."""

import asyncio
import json
import random
import secrets
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from benchmarks.lines import UPGRADE
from benchmarks.trials.stream import Stream, Target
from tests.frames import BINARY, CLOSE, PING, PONG, TEXT, client_frame
from vaultrelay.wire import base64url
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.data import pack_data
from vaultrelay.wire.proof import channel_of, join_body, sign_join

AUDIENCE = "relay.test"
TOKEN = "".join(map(chr, range(97, 123)))
"""Sent to every relay; some ask for it."""
EVERYBODY = 0xFFFFFFFF
LOST = 1006
"""The close code of a connection that ended without one (RFC 6455, section 7.4.1)."""
HEADER_BYTES = 16
_NACK, _SWITCHING = 0x11, 101
_MORE_SIZE = {126: 2, 127: 8}
_PATTERN_BYTES = 1 << 20
_TRIES, _RETRY_SECONDS = 50, 0.2


class Refused(Exception):
    """A join that failed: the HTTP status or close code, 0 for none, and Retry-After."""

    def __init__(self, status: int, retry_after: int | None = None) -> None:
        super().__init__(f"refused: {status}")
        self.status = status
        self.retry_after = retry_after


class Device:
    """One connection to a relay; `address` is the client address that it reports as a proxy."""

    def __init__(self, target: Target, seed: bytes, tag: bytes, address: str = "") -> None:
        self.nacks = self.bytes_in = self.session = 0
        self.peers: list[int] = []
        """The sessions that were in the channel before this one."""
        self.parses = True
        """Whether frames are looked at, or counted as bytes alone."""
        self.received: Callable[[bytes], None] = lambda payload: None
        self.nack_received: Callable[[bytes], None] = lambda nack: None
        self.control_received: Callable[[dict[str, Any]], None] = lambda control: None
        """Gets the control messages after the welcome."""
        self.mailbox: bytes | None = None
        """The cursor for its hello, empty for all items; None to open no mailbox."""
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = loop.create_future()
        """The close code."""
        self._joined: asyncio.Future[None] = loop.create_future()
        self._target, self._seed, self._tag, self._address = target, seed, tag, address
        self._is_upgraded = False
        self._in = bytearray()
        self.stream = Stream(self._data_received, self._lost)

    async def join(self, receive_bytes: int = 0, context: ssl.SSLContext | None = None) -> "Device":
        """Connect and join. Raises Refused or OSError if the relay does not admit it."""
        try:
            await self.stream.connect(self._target, receive_bytes, context)
            self._ask()
            await self._joined
        except BaseException:
            self.stream.close()
            raise
        return self

    def _ask(self) -> None:
        """Send the upgrade."""
        extra = f"X-Forwarded-For: {self._address}\r\n" if self._address else ""
        channel = base64url.encode(channel_of(self._seed))
        extra += f"Authorization: Bearer {TOKEN}\r\n"
        headers = f"X-VaultMesh-Protocol: 3\r\nX-VaultMesh-Channel: {channel}\r\n{extra}"
        self.stream.write(UPGRADE.format(path="/", headers=headers).encode())

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one frame."""
        self.stream.write(client_frame(opcode, payload))

    def send_data(self, to: int, number: int, payload: bytes) -> None:
        """Send a data message."""
        self.send(BINARY, self.message(to, number, payload))

    def message(self, to: int, number: int, payload: bytes) -> bytes:
        """A data message of this device's."""
        return pack_data(to, self.session, number, payload)

    def _data_received(self, data: memoryview) -> None:
        self.bytes_in += len(data)
        if not self.parses:
            return
        self._in += data
        if not self._is_upgraded and not self._upgrade():
            return
        taken = 0
        while (frame := self._frame_at(taken)) is not None:
            opcode, payload, taken = frame
            self._frame_received(opcode, payload)
        del self._in[:taken]

    def _upgrade(self) -> bool:
        head, end, rest = bytes(self._in).partition(b"\r\n\r\n")
        if not end:
            return False
        lines = head.split(b"\r\n")
        status = int(lines[0].split()[1])
        if status != _SWITCHING:
            times = [line.split()[1] for line in lines if line.lower().startswith(b"retry-after:")]
            self._refuse(Refused(status, int(times[0]) if times else None))
            return False
        self._is_upgraded = True
        self._in[:] = rest
        return True

    def _frame_at(self, start: int) -> tuple[int, bytes, int] | None:
        data = self._in
        if len(data) < start + 2:
            return None
        size, at = data[start + 1], start + 2
        if more := _MORE_SIZE.get(size, 0):
            at += more
            if len(data) < at:
                return None
            size = int.from_bytes(data[at - more : at])
        if len(data) < at + size:
            return None
        return data[start] & 15, bytes(memoryview(data)[at : at + size]), at + size

    def _frame_received(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY and payload[0] == _NACK:
            self.nacks += 1
            self.nack_received(payload)
        elif opcode == BINARY:
            self.received(payload)
        elif opcode == PING:
            self.send(PONG, payload)
        elif opcode == CLOSE:
            self._end(int.from_bytes(payload[:2]) if payload else 1005)
        elif opcode == TEXT and self._joined.done():
            self.control_received(json.loads(payload))
        elif opcode == TEXT:
            self._join_received(json.loads(payload))

    def _join_received(self, control: dict[str, Any]) -> None:
        if control["type"] == "challenge":
            nonce, channel = secrets.token_bytes(16), channel_of(self._seed)
            asked = base64url.decode(control["nonce"], 32)
            proof = sign_join(self._seed, join_body(asked, nonce, channel, self._tag, AUDIENCE))
            hello = Hello(channel, self._tag, nonce, AUDIENCE, proof, mailbox=self.mailbox)
            self.send(TEXT, hello.encode())
        elif control["type"] == "welcome":
            self.session = control["session"]
            self.peers = [peer["session"] for peer in control["peers"]]
            self._joined.set_result(None)

    def _refuse(self, refusal: Refused) -> None:
        if not self._joined.done():
            self._joined.set_exception(refusal)
            # It may have no waiter any more.
            self._joined.exception()
        self.stream.close()

    def _end(self, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(code)
        self._refuse(Refused(0 if code == LOST else code))

    def _lost(self) -> None:
        self._end(LOST)


async def admitted(make: Callable[[], Device], receive_bytes: int = 0) -> Device:
    """A device that is in: of a crowd at one address the relay cuts some off at first."""
    for _ in range(_TRIES):
        with suppress(OSError, Refused):
            return await make().join(receive_bytes)
        await asyncio.sleep(_RETRY_SECONDS)
    raise Refused(0)


@cache
def _pattern() -> bytes:
    return random.Random(1).randbytes(2 * _PATTERN_BYTES)


def payload_of(number: int, size: int) -> bytes:
    """The payload of a message, by which its receiver checks it."""
    start = number * 7919 % _PATTERN_BYTES
    return _pattern()[start : start + size]
