"""What `benchmarks.leaks` calls: each twin with good input, and on each of its error paths."""

import gc
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from tests.authority import issue, write_pair
from tests.frames import BINARY, client_frame
from tests.transport.tls_client import lenient_context
from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.transport.epoll_group import serve_ready
from vaultrelay.transport.hub_stream import READ
from vaultrelay.transport.stream_core import StreamCore
from vaultrelay.transport.stream_state import State
from vaultrelay.transport.unsealing import unseal
from vaultrelay.websocket.frame_reader import take_messages
from vaultrelay.websocket.frame_writer import binary_frames
from vaultrelay.wire.data import BadHeader, check_data, end_of_run, pack_data

Wrong: Any = "no bytes"
SMALL, LARGE = pack_data(2, 1, 3, bytes(100)), pack_data(2, 1, 3, bytes(70_000))
STREAM = client_frame(BINARY, SMALL) * 19 + client_frame(BINARY, LARGE)
MESSAGES = [SMALL] * 19 + [LARGE]
NO_MESSAGES: list[Any] = [SMALL, Wrong]


@dataclass(frozen=True)
class Case:
    """A call that has to leave nothing behind. It passes `messages`, none on an error path."""

    name: str
    call: Callable[[], object]
    messages: int = 0
    shared: tuple[Any, ...] = ()
    """Objects with as many references afterwards as before."""


def nothing(*_: object) -> None:
    """In place of a callback."""


class Stream(StreamCore):
    """A stream over one end of a pair of sockets, without what handles errors."""

    def __init__(self, ours: socket.socket, protocol: Any) -> None:
        ours.setblocking(False)
        self.socket, self.descriptor, self.protocol = ours, ours.fileno(), protocol
        ledger = SimpleNamespace(read_bytes=MAX_READ_BYTES)
        self._hub: Any = SimpleNamespace(ledger=ledger, defer=lambda _: None)
        self._allowance: Any = SimpleNamespace(bytes_allowed=0)
        self._events, self._state = READ, State.OPEN
        self._unsent, self._stages = None, ()
        self._keep = self._peer_gone = nothing

    def ready(self, _: int) -> None:
        """See HubStream."""
        self.can_read()


def refused(error: type[BaseException], call: Callable[..., object], *arguments: object) -> None:
    """Call a function that has to raise."""
    with suppress(error):
        call(*arguments)
        raise AssertionError(f"{call.__name__} did not raise {error.__name__}")


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _of_messages()
    yield from _of_streams()
    yield from _of_records()


def _of_messages() -> Iterator[Case]:
    shared = (STREAM, MESSAGES, SMALL, LARGE, NO_MESSAGES)
    count = len(MESSAGES)
    yield Case("take_messages", lambda: take_messages(STREAM, 0, 1 << 20, []), count, shared)
    yield Case("take_messages, cut", lambda: take_messages(STREAM[:-1], 0, 1 << 20, []), 19, shared)
    yield Case("take_messages, too large", lambda: take_messages(STREAM, 0, 99, []), 0, shared)
    yield Case(
        "take_messages, no bytes", lambda: refused(TypeError, take_messages, Wrong, 0, 9, [])
    )
    yield Case("binary_frames", lambda: binary_frames(MESSAGES), count, shared)
    yield Case("binary_frames, no bytes", lambda: refused(TypeError, binary_frames, NO_MESSAGES))
    yield Case("check_data", lambda: check_data(SMALL, 1), 1, shared)
    for name, message in (("bad", b"\xff" * 16), ("short", b"\x10"), ("forged", LARGE)):
        refuse = partial(refused, BadHeader, check_data, message, 9)
        yield Case(f"check_data, {name}", refuse, 0, (message,))
    yield Case("end_of_run", lambda: end_of_run(MESSAGES, 0, 99, 1e9), count, shared)
    wrong = partial(refused, TypeError, end_of_run, NO_MESSAGES, 0, 9, 9)
    yield Case("end_of_run, no bytes", wrong, 0, shared)


def _of_streams() -> Iterator[Case]:
    ours, peer = socket.socketpair()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    received = SimpleNamespace(dataReceived=lambda _: None)
    stream = Stream(ours, received)
    shared = (stream, received, SMALL, LARGE)

    def read(data: bytes) -> None:
        peer.send(data)
        stream.can_read()

    def write() -> None:
        stream.write(SMALL)
        peer.recv(len(SMALL))

    yield Case("read", lambda: read(SMALL), 1, shared)
    yield Case("read, large", lambda: read(LARGE), 1, shared)
    yield Case("read, EAGAIN", stream.can_read, 0, shared)
    yield Case("write", write, 1, shared)
    yield Case("write, no bytes", lambda: refused(TypeError, stream.write, Wrong), 0, shared)
    yield from _of_rounds(stream, peer)
    with suppress(BlockingIOError):
        while True:
            ours.send(LARGE)
    yield Case("write, EAGAIN", lambda: stream.write(SMALL), 0, shared)
    peer.close()
    yield Case("write, closed by the peer", lambda: stream.write(SMALL), 0, shared)
    yield Case("read, end", stream.can_read, 0, shared)
    stream.descriptor = -1
    ours.close()
    yield Case("read, closed", stream.can_read, 0, shared)
    yield Case("write, closed", lambda: stream.write(SMALL), 0, shared)
    yield Case("streams in cycles", _cycle)


def _of_rounds(stream: Stream, peer: socket.socket) -> Iterator[Case]:
    poller = select.epoll()
    poller.register(stream.descriptor, READ)
    streams: dict[int, Any] = {stream.descriptor: stream}
    shared = (stream, poller, streams)

    def turn() -> None:
        peer.send(SMALL)
        serve_ready(poller, streams, 8, nothing)

    def turn_that_fails() -> None:
        stream.protocol, before = SimpleNamespace(dataReceived=lambda _: 1 / 0), stream.protocol
        turn()
        stream.protocol = before

    yield Case("round", turn, 1, shared)
    yield Case("round, protocol raises", turn_that_fails, 0, shared)
    yield Case("round, none ready", lambda: serve_ready(poller, streams, 8, nothing), 0, shared)
    peer.send(SMALL)
    yield Case("round, stream gone", lambda: serve_ready(poller, {}, 8, nothing), 0, shared)
    stream.can_read()
    poller.close()
    refuse = partial(refused, ValueError, serve_ready, poller, streams, 8, nothing)
    yield Case("round, closed", refuse, 0, shared)


def _cycle() -> None:
    protocol = SimpleNamespace(transport=None)
    ours, peer = socket.socketpair()
    protocol.transport = Stream(ours, protocol)
    ours.close()
    peer.close()
    del protocol
    gc.collect(0)


def _of_records() -> Iterator[Case]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    sealed = bytes(200)

    def raising(error: Exception | None) -> Callable[[], object]:
        def read(*_: object) -> int:
            if error is not None:
                raise error.with_traceback(None)
            return 0

        def call() -> object:
            incoming.write(sealed)
            try:
                return unseal(read, incoming)
            finally:
                incoming.read()

        return call

    for error in (None, ssl.SSLWantReadError(), ssl.SSLError()):
        name = "close_notify" if error is None else type(error).__name__
        yield Case(f"unseal, {name}", raising(error), 0, (incoming, sealed))
    yield Case("unseal, MemoryError", lambda: refused(MemoryError, raising(MemoryError())))
    sender = Sender(incoming, outgoing)
    shared = (incoming, sender.server)
    yield Case("unseal", lambda: sender.send(SMALL), 1, shared)
    yield Case("unseal, large", lambda: sender.send(LARGE), 1, shared)


class Sender:
    """The client of a TLS connection within this process."""

    def __init__(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            context.load_cert_chain(*write_pair(Path(folder), issue()))
        self._incoming, self._sealed = incoming, ssl.MemoryBIO()
        self.server = context.wrap_bio(incoming, outgoing, server_side=True)
        self._client = lenient_context().wrap_bio(outgoing, self._sealed)
        for end in (self._client, self.server, self._client, self.server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
            incoming.write(self._sealed.read())

    def send(self, message: bytes) -> None:
        """Pass a message to the twin, with its last record in two parts."""
        self._client.write(message)
        sealed = self._sealed.read()
        for part in (sealed[:-9], sealed[-9:]):
            self._incoming.write(part)
            unseal(self.server.read, self._incoming)
