"""Batch: gathers the output of one read of one connection into one write for each receiver."""

from typing import Any, Protocol

from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.frame_writer import binary_frame
from vaultrelay.websocket.shared_frame import SharedFrame

_SHARED_FROM = 4096
"""Bytes. Frames of a smaller broadcast are copied for each receiver that cannot take them at once:
as single objects they would take more memory in a queue of many."""


class GatheringQueue(Protocol):
    """A queue that gathers frames while a batch is open."""

    transport: Any

    def flush(self, sender: Session | None) -> None:
        """Send the gathered frames, which came from `sender`, if any."""


class Batch:
    """One for all connections, since they are read one after another."""

    def __init__(self, ledger: Ledger, log: RelayLog) -> None:
        self.ledger = ledger
        self._log = log
        self.is_open = False
        self.queues: list[GatheringQueue] = []
        self.shared: dict[int, SharedFrame] = {}
        """The large frames of broadcasts in this batch, by the id of their bytes."""
        self._message = self._frame = b""

    def begin(self) -> None:
        """Let each queue gather its frames until `end`."""
        self.is_open = True

    def end(self, sender: Session | None) -> None:
        """Send the output of a read of the sender's connection."""
        self.is_open = False
        queues, self.queues = self.queues, []
        for queue in queues:
            try:
                queue.flush(sender)
            except Exception:
                # A failed write must not keep the others from their messages.
                self._log.failure("A connection could not be written to")
                queue.transport.abortConnection()
        self._message = self._frame = b""
        if self.shared:
            self.shared = {}

    def shared_frame(self, message: bytes) -> bytes:
        """Return the frame of a broadcast, made once for all receivers."""
        if message is not self._message:
            self._message = message
            self._frame = frame = binary_frame(message)
            if len(frame) >= _SHARED_FROM:
                self.shared[id(frame)] = SharedFrame(frame, self.ledger)
        return self._frame
