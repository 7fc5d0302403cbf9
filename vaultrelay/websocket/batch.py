"""Batch: gathers the output of one read of one connection into one write for each receiver."""

from typing import Any, Protocol

from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.frame_writer import binary_frames
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
        self._messages: list[bytes] | None = None
        self._frames = b""

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
        self._messages, self._frames = None, b""
        if self.shared:
            self.shared = {}

    def shared_frames(self, messages: list[bytes]) -> bytes:
        """Return the frames of a broadcast, made once for all receivers."""
        if messages is not self._messages:
            self._messages = messages
            self._frames = frames = binary_frames(messages)
            if len(frames) >= _SHARED_FROM:
                self.shared[id(frames)] = SharedFrame(frames, self.ledger)
        return self._frames
