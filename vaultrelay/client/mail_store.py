"""MailStore: what a Mailbox keeps for a device from one start to the next."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from vaultrelay.wire.mailbox import NO_KEY, PUT_HEADER_BYTES

MAX_KNOWN_IDS = 65_536
"""Ids of items that are remembered, 2 MB: six times as many items as a channel has by default."""


class StoreFailed(Exception):
    """The store of a mailbox cannot be read or written; the text is for people."""


class WaitingPut(NamedTuple):
    """An item that the relay has not stored yet; `key` and `ttl` as in Mailbox.put."""

    item_id: bytes
    payload: bytes
    key: bytes = NO_KEY
    ttl: int = 0

    @property
    def size(self) -> int:
        """Bytes of the PUT, header included."""
        return PUT_HEADER_BYTES + len(self.payload)


class MailStore(Protocol):
    """Each method has written its change durably, all of it or nothing, when it returns.

    Methods raise StoreFailed if that is impossible. A device with a database of its own keeps the
    content of items and the cursor in one transaction by a store in that database.
    """

    @property
    def cursor(self) -> bytes:
        """The place in the mailbox up to which all is taken; empty if there is none."""

    @property
    def must_synchronize(self) -> bool:
        """Whether items were missed since the last synchronization."""

    def puts(self) -> Sequence[WaitingPut]:
        """Return all PUTs that wait, in the order in which they were added."""

    def add_put(self, put: WaitingPut, replaced: bytes | None) -> None:
        """Add a PUT, and remove the one with the id `replaced`. Remember that id: perhaps the relay
        has stored it already."""

    def remove_put(self, item_id: bytes) -> None:
        """Remove a PUT that the relay will never store."""

    def knows(self, item_id: bytes) -> bool:
        """Whether this id is among the last MAX_KNOWN_IDS that were remembered."""

    def take(self, item_ids: Sequence[bytes], cursor: bytes) -> None:
        """Remember ids, remove the PUTs with these ids, and save the cursor."""

    def set_must_synchronize(self, value: bool) -> None:
        """Save `must_synchronize`."""


class MemoryMailStore:
    """A MailStore that forgets everything with the process: for tests, and for items that need not
    survive."""

    def __init__(self) -> None:
        self.cursor = b""
        self.must_synchronize = False
        self._puts: dict[bytes, WaitingPut] = {}
        self._known: dict[bytes, None] = {}

    def puts(self) -> Sequence[WaitingPut]:
        return tuple(self._puts.values())

    def add_put(self, put: WaitingPut, replaced: bytes | None) -> None:
        if replaced is not None:
            self.take((replaced,), self.cursor)
        self._puts[put.item_id] = put

    def remove_put(self, item_id: bytes) -> None:
        self._puts.pop(item_id, None)

    def knows(self, item_id: bytes) -> bool:
        return item_id in self._known

    def take(self, item_ids: Sequence[bytes], cursor: bytes) -> None:
        self.cursor = cursor
        for item_id in item_ids:
            self._known[item_id] = None
            self.remove_put(item_id)
        for oldest in tuple(islice(self._known, max(0, len(self._known) - MAX_KNOWN_IDS))):
            del self._known[oldest]

    def set_must_synchronize(self, value: bool) -> None:
        self.must_synchronize = value
