"""The client's end of one connection: raw bytes out with their cuts, what came back as text.

TLS is done in memory, so that its records can be cut as well.
"""

import re
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from tests.frames import CLOSE, TEXT, Frame, take_server_frame

WAIT_SECONDS = 10.0
"""For what a recording has; a busy machine's patience."""
QUIET_SECONDS = 0.08
"""While recording, silence of this length ends a read."""
_CHANGING = (
    (re.compile(r'"nonce":"[\w-]{43}"'), '"nonce":"…"'),
    (re.compile(r'"uptime_seconds":\d+'), '"uptime_seconds":…'),
    (re.compile(r"Content-Length: \d+"), "Content-Length: …"),
    (re.compile(r";ref=\w+"), ";ref=…"),
    (re.compile(r"\d+\.\d+\.\d+\.\d+:\d+"), "ADDRESS"),
)
"""What differs between two runs that are the same."""


class Stream:
    """One connection; `tls` is a client context for those that begin with TLS."""

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self.sock = sock
        self.sock.setblocking(False)
        self.data = b""
        self.end = ""
        self.while_blocked: Callable[[], object] = lambda: None
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if tls is not None:
            self._tls = tls.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    # Out.

    def send(self, data: bytes, cut: int = 0) -> None:
        """Send bytes as they are, in two writes where `cut` says so."""
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self.send_raw(data, cut)

    def send_raw(self, data: bytes, cut: int = 0) -> None:
        """Send below TLS."""
        for part in (data[:cut], data[cut:]):
            if part:
                self._send_all(part)
                time.sleep(0.002 if part is not data and cut else 0)

    def handshake(self, cut: int = 0) -> None:
        """Begin TLS; the first flight is sent in two writes where `cut` says so."""
        assert self._tls is not None
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send_raw(self._outgoing.read(), cut)
                cut = 0
                if not self.receive(until - time.monotonic()):
                    self._end_with("silence in the handshake")
                    return
                if self.end:
                    return
        self.send_raw(self._outgoing.read())

    def half_close(self) -> None:
        """Send no more: FIN, behind a close_notify where there is TLS."""
        if self._tls is not None:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self.send_raw(self._outgoing.read())
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """End with FIN."""
        self.sock.close()

    # In.

    def read(self, expected: str | None) -> str:
        """What came since the last read, as text.

        Waits until it is as `expected`, or while nothing is expected, until it is quiet.
        """
        until = time.monotonic() + WAIT_SECONDS
        text = shown(self.data, self.end)
        while not self.end:
            if expected is None:
                wait = QUIET_SECONDS
            elif text == expected:
                break
            else:
                wait = until - time.monotonic()
            if wait <= 0 or not self.receive(wait):
                break
            text = shown(self.data, self.end)
        self.data = b""
        return text

    def receive(self, seconds: float) -> bool:
        """Take what is there, after a wait; whether something was, the end included."""
        if not select.select([self.sock], [], [], max(seconds, 0))[0]:
            return False
        try:
            got = self.sock.recv(1 << 18)
        except ConnectionResetError:
            self._end_with("RST")
            return True
        if not got:
            self._end_with("FIN")
        elif self._tls is None:
            self.data += got
        else:
            self._incoming.write(got)
            self._decrypt(self._tls)
        return True

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        try:
            while True:
                got = tls.read(1 << 18)
                if not got:
                    self._end_with("close_notify")
                    return
                self.data += got
        except ssl.SSLWantReadError:
            return
        except ssl.SSLZeroReturnError:
            self._end_with("close_notify")
        except ssl.SSLError as error:
            if tls.version() is not None or "ALERT" in str(error.reason):
                self._end_with(f"TLS {error.reason}")

    def _end_with(self, how: str) -> None:
        self.end = self.end or how

    def _send_all(self, data: bytes) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while data:
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                if time.monotonic() > until:
                    return
                self.while_blocked()
                select.select([], [self.sock], [], 0.01)
            except (BrokenPipeError, ConnectionResetError):
                return


def shown(data: bytes, end: str) -> str:
    """Bytes of a relay as text: the HTTP head as it is, frames one by one, then how it ended."""
    parts: list[str] = []
    head, gap, rest = data.partition(b"\r\n\r\n")
    if data.startswith(b"HTTP/1.1 101") and gap:
        parts.append(head.decode("latin-1"))
        data = rest
    if data.startswith(b"HTTP/1.1"):
        parts.append(data.decode("utf-8", "replace"))
    else:
        parts.extend(_frames(data))
    if end:
        parts.append(f"<{end}>")
    text = "\n".join(parts)
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text


def _frames(data: bytes) -> list[str]:
    found: list[str] = []
    while data:
        try:
            taken = take_server_frame(data)
        except AssertionError:
            taken = None
        if taken is None:
            return [*found, f"partial frame: {data[:20].hex()}… {len(data)} bytes"]
        frame, data = taken
        found.append(_frame(frame))
    return found


def _frame(frame: Frame) -> str:
    fin = "" if frame.fin else " more"
    if frame.opcode == TEXT:
        return f"text{fin} {frame.payload.decode()}"
    if frame.opcode == CLOSE and len(frame.payload) > 1:
        code = int.from_bytes(frame.payload[:2], "big")
        return f"close{fin} {code} {frame.payload[2:].decode()}"
    payload = frame.payload
    body = payload.hex() if len(payload) <= 64 else f"{payload[:20].hex()}… {len(payload)} bytes"
    return f"opcode {frame.opcode}{fin} {body}"
