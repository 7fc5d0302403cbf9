"""A client's socket that does not block, plain or TLS: reads promptly, slowly or not at all."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from benchmarks.trial_client import HOST
from tests.transport.tls_client import lenient_context

_READS_AT_ONCE = 16
_BUFFER = memoryview(bytearray(256 * 1024))
_WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_ESTABLISHED = 1
_shared_context = cache(lenient_context)


@dataclass(frozen=True)
class Target:
    """The port of a relay, for any process."""

    port: int
    is_tls: bool


class Stream:
    """A connection; `lost` is called once, at its end from the other side."""

    def __init__(
        self, data_received: Callable[[memoryview], None], lost: Callable[[], None]
    ) -> None:
        self.socket = socket.socket()
        self._data_received = data_received
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._out: deque[memoryview] = deque()
        self._flushed: asyncio.Future[None] | None = None
        self._has_writer = self._is_closed = False
        self._reads = True

    async def connect(
        self, target: Target, receive_bytes: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        """Connect, with TLS if the relay has it. Raises OSError if that fails."""
        raw = self.socket
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await self._loop.sock_connect(raw, (HOST, target.port))
        if target.is_tls:
            used = context or _shared_context()
            self.socket = used.wrap_socket(
                raw, server_hostname="relay.test", do_handshake_on_connect=False
            )
            await self._shake_hands(self.socket)
        self._loop.add_reader(self.socket, self._readable)

    def write(self, data: bytes) -> None:
        """Send as soon as the kernel takes it."""
        if not self._is_closed:
            self._out.append(memoryview(data))
            if not self._has_writer:
                self._writable()

    async def flush(self) -> None:
        """Wait until the kernel has taken all, or the connection has ended."""
        if self._out:
            self._flushed = self._loop.create_future()
            await self._flushed

    def stop_reading(self) -> None:
        """Read nothing from now on, except by `read_some`."""
        self._reads = False
        self._loop.remove_reader(self.socket)

    def read_all(self) -> None:
        """Read promptly again."""
        self._reads = True
        if not self._is_closed:
            self._loop.add_reader(self.socket, self._readable)
            self._readable()

    def read_some(self, count: int) -> bool:
        """Read once, at most so many bytes. Returns whether there may be more."""
        if self._is_closed:
            return False
        try:
            size = self.socket.recv_into(_BUFFER[:count])
        except _WAITS:
            return False
        except OSError:
            size = 0
        if not size:
            self.close()
            self._lost()
            return False
        self._data_received(_BUFFER[:size])
        return True

    @property
    def is_cut(self) -> bool:
        """Whether the relay has ended the connection, even if that is unread (tcp(7))."""
        if self._is_closed:
            return True
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED

    def close(self) -> None:
        """End the connection without a word."""
        if not self._is_closed:
            self._is_closed = True
            self._loop.remove_reader(self.socket)
            self._forget_output()
            self.socket.close()

    async def _shake_hands(self, tls: ssl.SSLSocket) -> None:
        while True:
            ready = self._loop.create_future()
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._loop.add_reader(tls, _settle, ready)
                await ready
                self._loop.remove_reader(tls)
            except ssl.SSLWantWriteError:
                self._loop.add_writer(tls, _settle, ready)
                await ready
                self._loop.remove_writer(tls)
            else:
                return

    def _readable(self) -> None:
        for _ in range(_READS_AT_ONCE):
            if not self.read_some(len(_BUFFER)) or not self._reads:
                return

    def _writable(self) -> None:
        try:
            while self._out:
                sent = self.socket.send(self._out[0])
                if sent < len(self._out[0]):
                    self._out[0] = self._out[0][sent:]
                else:
                    self._out.popleft()
        except _WAITS:
            if not self._has_writer:
                self._has_writer = True
                self._loop.add_writer(self.socket, self._writable)
            return
        except OSError:
            # What the relay sent before its end may be unread: the close code is in it.
            self._forget_output()
            self.read_all()
            return
        self._forget_output()

    def _forget_output(self) -> None:
        self._out.clear()
        if self._has_writer:
            self._has_writer = False
            self._loop.remove_writer(self.socket)
        if self._flushed is not None:
            _settle(self._flushed)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
