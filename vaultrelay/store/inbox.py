"""Inbox: requests that wait for the thread of the store, with their bounds."""

from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import Any, NamedTuple

from vaultrelay.policy.limits.mailbox import (
    MAX_BATCH_BYTES,
    MAX_BATCH_PUTS,
    MAX_JOBS,
    MAX_WAITING_BYTES,
    MAX_WAITING_PUTS,
)
from vaultrelay.store.clock import StoreClock
from vaultrelay.store.store import Cursor, Page, Put, Refused, Store, Stored


class PutRequest(NamedTuple):
    """An item to be stored, and what to call with the result."""

    put: Put
    done: Callable[[Stored | Refused], None]


class ReadRequest(NamedTuple):
    """A page to be read."""

    channel: bytes
    cursor: Cursor | None
    done: Callable[[Page | Refused], None]


class Job(NamedTuple):
    """Any other work with the store. Its exceptions are results, too."""

    work: Callable[[Store, StoreClock], object]
    done: Callable[[Any], None]


class Inbox:
    """Requests of the owner's thread, each kind first come, first served."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._puts: deque[PutRequest] = deque()
        self._reads: deque[ReadRequest] = deque()
        self._jobs: deque[Job] = deque()
        self._is_changed = False
        self.waiting_bytes = 0
        """Costs of the PUTs that are not taken yet."""
        self.is_stopped = False

    def add_put(self, request: PutRequest) -> bool:
        """Add a PUT; return False if there are too many, or the thread has stopped."""
        cost = request.put.cost
        with self._changed:
            if (
                self.is_stopped
                or self.waiting_bytes + cost > MAX_WAITING_BYTES
                or len(self._puts) >= MAX_WAITING_PUTS
            ):
                return False
            self._puts.append(request)
            self.waiting_bytes += cost
            if len(self._puts) == 1:
                self._notify()
            return True

    def add_read(self, request: ReadRequest) -> None:
        """Add the reading of a page. The owner adds MAX_PAGES at most."""
        with self._changed:
            self._reads.append(request)
            self._notify()

    def add_job(self, job: Job) -> bool:
        """Add other work; return False if there is too much, or the thread has stopped."""
        with self._changed:
            if self.is_stopped or len(self._jobs) >= MAX_JOBS:
                return False
            self._jobs.append(job)
            self._notify()
            return True

    def stop(self) -> None:
        """Accept nothing more."""
        with self._changed:
            self.is_stopped = True
            self._notify()

    @property
    def has_puts(self) -> bool:
        """Whether a PUT waits."""
        return bool(self._puts)

    @property
    def has_others(self) -> bool:
        """Whether a job or a read waits."""
        return bool(self._jobs or self._reads)

    def take_puts(self) -> list[PutRequest]:
        """Take as many PUTs as one transaction may have."""
        taken: list[PutRequest] = []
        size = 0
        with self._changed:
            while self._puts and len(taken) < MAX_BATCH_PUTS:
                cost = self._puts[0].put.cost
                if taken and size + cost > MAX_BATCH_BYTES:
                    break
                taken.append(self._puts.popleft())
                size += cost
            self.waiting_bytes -= size
        return taken

    def take_read(self) -> ReadRequest | None:
        """Take a read."""
        with self._changed:
            return self._reads.popleft() if self._reads else None

    def take_job(self) -> tuple[int, Job | None]:
        """Take a job; return with it how many PUTs wait, among them all that came before it."""
        with self._changed:
            return len(self._puts), self._jobs.popleft() if self._jobs else None

    def wait(self, seconds: float) -> None:
        """Wait for a request, or for this time. PUTs that join a waiting one do not end it."""
        with self._changed:
            if not self._is_changed:
                self._changed.wait(seconds)
            self._is_changed = False

    def _notify(self) -> None:
        self._is_changed = True
        self._changed.notify()
