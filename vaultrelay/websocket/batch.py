"""Batch: all that one read of one connection makes go out, in one write for each receiver."""

from typing import Any, Protocol

from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.frames import binary_frame


class GatheringQueue(Protocol):
    """A queue that gathers what it is given while a batch is open."""

    transport: Any

    def flush(self, sender: Session | None) -> None:
        """Send what was gathered, which came from `sender` if anybody."""


class Batch:
    """One for all connections, since they are read one after another."""

    def __init__(self, ledger: Ledger, log: RelayLog) -> None:
        self.ledger = ledger
        self._log = log
        self.is_open = False
        self.queues: list[GatheringQueue] = []
        self._message = self._frame = b""

    def begin(self) -> None:
        """Let each queue gather what it is given, until `end`."""
        self.is_open = True

    def end(self, sender: Session | None) -> None:
        """Send what a read of the sender's connection made go out."""
        self.is_open = False
        queues, self.queues = self.queues, []
        for queue in queues:
            try:
                queue.flush(sender)
            except Exception:
                # One that cannot be written to must not keep the others from what is theirs.
                self._log.failure("A connection could not be written to")
                queue.transport.abortConnection()
        self._message = self._frame = b""

    def framed(self, message: bytes) -> bytes:
        """Return a message as a frame, made once for all receivers of a broadcast."""
        if message is not self._message:
            self._message, self._frame = message, binary_frame(message)
        return self._frame
