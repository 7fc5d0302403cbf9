"""Ledger: the count of all bytes that the relay holds, against one limit.

=========== ================================= ====================================================
state       held                              reading
=========== ================================= ====================================================
roomy       up to a quarter of the limit      as much as there is, from every device
filling     more                              less at once, the more is held
pressed     more than half of the limit       not from channels and networks above their shares;
                                              a message of several reads needs a reservation
full        all but the room of one message   only what is reserved
=========== ================================= ====================================================
"""

from collections.abc import Callable

from vaultrelay.policy.limits.defaults import DEFAULT_MESSAGE_BYTES
from vaultrelay.policy.limits.pressure import PRESSED_SHARE, SHARE_MESSAGES
from vaultrelay.policy.limits.streams import (
    MAX_READ_BYTES,
    MIN_READ_BYTES,
    ONE_READ_BYTES,
    ROOMY_BYTES,
    ROOMY_SHARE,
)


class Ledger:
    """Counts the bytes held. Holders add a size when they take bytes, and its negative later.

    One message of `message_bytes` has room even while the ledger is full.
    """

    __slots__ = (
        "_callbacks",
        "_largest_read",
        "_pressed",
        "_roomy",
        "full",
        "held",
        "is_over",
        "is_pressed",
        "least_share",
        "limit",
        "on_full",
        "peak",
        "read_bytes",
    )

    def __init__(self, limit: int, message_bytes: int = DEFAULT_MESSAGE_BYTES) -> None:
        self.held = self.peak = 0
        """Bytes, now and at most; `peak` can be set back, and counts from the roomy part on."""
        self.is_over = self.is_pressed = False
        """Whether more is held than the limit, and more than its pressed part. Updated at each
        change, since every read checks it."""
        self.read_bytes = MAX_READ_BYTES
        """The largest read of one stream, updated likewise; 0 while the ledger is full."""
        self._largest_read = MAX_READ_BYTES
        self.on_full: Callable[[], object] | None = None
        """Called at each change while the ledger is full, also if no read made it so. It must not
        change the ledger."""
        self._callbacks: dict[Callable[[], object], None] = {}
        self.configure(limit, message_bytes)

    def add(self, size: int) -> None:
        """Count `size` more bytes; fewer if it is negative."""
        self.held += size
        if self.held <= self._roomy:
            self.is_over = self.is_pressed = False
            self.read_bytes = self._largest_read
        else:
            self.is_over = self.held > self.limit
            self.is_pressed = self.held > self._pressed
            self.read_bytes = min(self._small_read(), self._largest_read)
            self.peak = max(self.peak, self.held)
            if not self.read_bytes and self.on_full is not None:
                self.on_full()
        if size < 0 and self._callbacks:
            self._call_back()

    def configure(self, limit: int, message_bytes: int = DEFAULT_MESSAGE_BYTES) -> None:
        """Apply another limit, in bytes, also to what is held already."""
        self.limit = limit
        self._roomy = min(limit // ROOMY_SHARE, ROOMY_BYTES)
        self._pressed = limit // PRESSED_SHARE
        self.full = max(limit - message_bytes - ONE_READ_BYTES, self._pressed)
        """Bytes above which only what is reserved is read."""
        self.least_share = min(SHARE_MESSAGES * message_bytes, self._pressed)
        """Bytes that no share of a channel or network is below."""
        self.add(0)
        # There may be more room now.
        self._call_back()

    def make_reads_small(self, are_small: bool) -> None:
        """Let each read be as small as possible, or as large as memory allows."""
        self._largest_read = MIN_READ_BYTES if are_small else MAX_READ_BYTES
        self.add(0)

    def has_room(self, size: int, *, is_last: bool = False) -> bool:
        """Return whether `size` bytes can be reserved: beside the room of one message, or within it
        for the only reservation."""
        return self.held + size <= (self.limit if is_last else self.full)

    def call_when_freed(self, callback: Callable[[], object]) -> None:
        """Call `callback` once, when fewer bytes are held or the limit changes. It must not change
        the ledger. The same callback is kept once."""
        self._callbacks[callback] = None

    def _call_back(self) -> None:
        callbacks, self._callbacks = self._callbacks, {}
        for callback in callbacks:
            callback()

    def _small_read(self) -> int:
        """Return the size of a read, which shrinks as more is held and less is free."""
        if self.held > self.full:
            return 0
        by_held = MAX_READ_BYTES * self._roomy // self.held
        free = self.full - self.held
        by_free = MAX_READ_BYTES * free // max(self.full - self._roomy, 1)
        return max(MIN_READ_BYTES, min(by_held, by_free))
