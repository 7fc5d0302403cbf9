"""StreamCore: what a stream does for every message; sending_half.py and stream.py have the rest."""

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from vaultrelay.native import has_twin
from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.transport.allowance import Allowance
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.hub_stream import READ
from vaultrelay.transport.preamble import Stage
from vaultrelay.transport.send_buffer import Piece, SendBuffer
from vaultrelay.transport.stream_state import WRITABLE, State

_view = memoryview(bytearray(MAX_READ_BYTES))
"""The read buffer of all streams, which use it one after another."""


@has_twin("streams")
class StreamCore:
    """Reads once, and sends at once. Subclasses handle all that is unusual."""

    __slots__ = (
        "_allowance",
        "_events",
        "_hub",
        "_missing",
        "_stages",
        "_state",
        "_unsent",
        "descriptor",
        "protocol",
        "socket",
    )

    socket: socket.socket
    descriptor: int
    protocol: Any
    _allowance: Allowance
    _events: int
    _hub: Hub
    _missing: int
    """Bytes that complete a TLS record whose part the ledger counts: they may always be read."""
    _stages: Sequence[Stage]
    _state: State
    _unsent: SendBuffer | None
    # Methods of subclasses.
    _feed_stages: Callable[[bytes], None]
    _keep: Callable[[Iterable[Piece], int], None]
    _peer_gone: Callable[[bool], None]

    def can_read(self) -> None:
        """See HubStream."""
        if not self._events & READ:
            # A stream served earlier in this round paused this one.
            return
        wanted = self._hub.ledger.read_bytes or self._allowance.bytes_allowed or self._missing
        if not wanted:
            self._hub.defer(self)  # type: ignore[arg-type]  # subclasses are HubStreams
            return
        try:
            size = self.socket.recv_into(_view, wanted)
        except BlockingIOError:
            return
        except OSError:
            self._peer_gone(False)
            return
        if not size:
            self._peer_gone(True)
        elif self._stages:
            self._feed_stages(bytes(_view[:size]))
        else:
            self._received(_view[:size])

    def _received(self, data: memoryview | bytes) -> None:
        self.protocol.dataReceived(bytes(data))

    def write(self, data: bytes) -> None:
        """See ITransport."""
        if self._state in WRITABLE:
            self.send_raw(data)

    def send_raw(self, data: bytes) -> None:
        """Send bytes without TLS, or keep them until the socket takes them."""
        sent = 0
        if self._unsent is None:
            # The socket may be full or broken; the hub will report which.
            with suppress(OSError):
                sent = self.socket.send(data)
        if sent < len(data):
            self._keep((data,), sent)
