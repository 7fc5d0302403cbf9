"""The client's end of one connection: raw bytes out with their cuts, what came back as text.

TLS is done in memory, so that its records can be cut as well.
"""

import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from tests.transcripts.shown import shown

WAIT_SECONDS = 10.0
"""For what a recording has; a busy machine's patience."""
QUIET_SECONDS = 0.08
"""While recording, silence of this length ends a read."""


class Stream:
    """One connection; `tls` is a client context for those that begin with TLS.

    `is_asleep`: it reads nothing while others are blocked.
    """

    is_asleep = False

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext | None = None,
        name: str | None = "localhost",
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.sock = sock
        self.sock.setblocking(False)
        self.data = b""
        self.end = ""
        self.while_blocked: Callable[[], object] = lambda: None
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if tls is not None:
            self._tls = tls.wrap_bio(
                self._incoming, self._outgoing, server_hostname=name, session=session
            )

    # Out.

    def send(self, data: bytes, cut: int = 0) -> None:
        """Send bytes as they are, in two writes where `cut` says so."""
        self.send_raw(self.sealed(data), cut)

    def sealed(self, data: bytes, closing: bool = False) -> bytes:
        """What these bytes are on the wire: records of TLS of their own, and a close_notify."""
        if self._tls is None:
            return data
        self._tls.write(data)
        if closing:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
        return self._outgoing.read()

    def send_raw(self, data: bytes, cut: int = 0) -> None:
        """Send below TLS."""
        for part in (data[:cut], data[cut:]):
            if part:
                self._send_all(part)
                time.sleep(0.002 if part is not data and cut else 0)

    def send_pieces(self, data: bytes, size: int) -> None:
        """Send below TLS, in writes of so many bytes."""
        for start in range(0, len(data), size):
            self._send_all(data[start : start + size])

    def send_some(self, data: bytes, seconds: float) -> bytes:
        """Send below TLS until nothing goes for so long; the rest."""
        while data and self._is_ready(select.POLLOUT, seconds):
            data = data[self.sock.send(data[: 1 << 16]) :]
        return data

    def handshake(self, cut: int = 0, last_cut: int = 0, holds_last: bool = False) -> None:
        """Begin TLS; the first and last flights are sent in two writes where a cut says so.

        `holds_last`: the last flight goes with what is sent next.
        """
        until = time.monotonic() + WAIT_SECONDS
        while self._shake():
            self.send_raw(self._outgoing.read(), cut)
            cut = 0
            if not self.receive(until - time.monotonic()):
                self._end_with("silence in the handshake")
            if self.end:
                return
        if not holds_last:
            self.send_raw(self._outgoing.read(), last_cut)

    def hello(self) -> bytes:
        """The first flight of TLS; `handshake` goes on once it is sent."""
        self._shake()
        return self._outgoing.read()

    def _shake(self) -> bool:
        """Whether the handshake needs more of the relay."""
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLError as error:
            self._end_with(f"TLS {error.reason}")
        return False

    @property
    def certificate(self) -> bytes | None:
        """The relay's, in DER; None if it did not come."""
        assert self._tls is not None
        return self._tls.getpeercert(True) if self._tls.version() is not None else None

    @property
    def tls(self) -> ssl.SSLObject:
        """The client's end of TLS."""
        assert self._tls is not None
        return self._tls

    def half_close(self) -> None:
        """Send no more: FIN, behind a close_notify where there is TLS."""
        if self._tls is not None:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self.send_raw(self._outgoing.read())
        self.half_close_raw()

    def half_close_raw(self) -> None:
        """FIN without a close_notify."""
        with suppress(OSError):
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
        if not self._is_ready(select.POLLIN, seconds):
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

    def receive_until(self, wanted: bytes) -> bool:
        """Whether these bytes came before the end."""
        until = time.monotonic() + WAIT_SECONDS
        while wanted not in self.data and not self.end:
            if not self.receive(until - time.monotonic()):
                break
        return wanted in self.data

    def receive_end(self, names_alert: bool = False) -> str:
        """What came until the end, without whether that was FIN or RST: up to the kernel's timing.

        `names_alert`: an alert of TLS is told apart. Where no rule of TLS was broken, an alert
        that comes or does not come is the same to a client.
        """
        until = time.monotonic() + WAIT_SECONDS
        while not self.end and self.receive(until - time.monotonic()):
            pass
        end = "ended" if self.end else "still open"
        if names_alert and self.end.startswith("TLS"):
            end = self.end
        text, self.data = shown(self.data, end), b""
        return text

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

    def _is_ready(self, event: int, seconds: float) -> bool:
        """Whether the socket can be read or written; select() takes no descriptor above 1023."""
        poll = select.poll()
        poll.register(self.sock, event)
        return bool(poll.poll(max(seconds, 0) * 1000))

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
                self._is_ready(select.POLLOUT, 0.01)
            except (BrokenPipeError, ConnectionResetError):
                return
