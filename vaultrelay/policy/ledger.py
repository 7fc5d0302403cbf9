"""Ledger: the count of all bytes that the relay holds, against one limit.

=========== ================================= ====================================================
state       held                              reading
=========== ================================= ====================================================
roomy       up to a quarter of the limit      as much as there is, from every device
filling     more                              less at once, the more is held
pressed     more than half of the limit       not from channels and networks above their shares;
                                              a message of several reads needs a reservation
full        up to one message of the limit    only what is reserved
=========== ================================= ====================================================
"""

from collections.abc import Callable

from vaultrelay.policy.limits import (
    DEFAULT_MESSAGE_BYTES,
    MAX_READ_BYTES,
    MIN_READ_BYTES,
    PRESSED_SHARE,
    ROOMY_BYTES,
    ROOMY_SHARE,
)


class Ledger:
    """Counts the bytes held. Holders add a size when they take bytes, and its negative later.

    One message of `message_bytes` has room even while the ledger is full.
    """

    __slots__ = (
        "_callbacks",
        "_full",
        "_largest_read",
        "_pressed",
        "_roomy",
        "held",
        "is_over",
        "is_pressed",
        "limit",
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
        self._callbacks: list[Callable[[], object]] = []
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
        if size < 0 and self._callbacks:
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()

    def configure(self, limit: int, message_bytes: int = DEFAULT_MESSAGE_BYTES) -> None:
        """Apply another limit, in bytes, also to what is held already."""
        self.limit = limit
        self._roomy = min(limit // ROOMY_SHARE, ROOMY_BYTES)
        self._pressed = limit // PRESSED_SHARE
        self._full = max(limit - message_bytes, self._pressed)
        self.add(0)

    def make_reads_small(self, are_small: bool) -> None:
        """Let each read be as small as possible, or as large as memory allows."""
        self._largest_read = MIN_READ_BYTES if are_small else MAX_READ_BYTES
        self.add(0)

    def has_room(self, size: int, *, is_only: bool = False) -> bool:
        """Return whether `size` bytes can be reserved: beside the room of one message, or within it
        for the only reservation."""
        return self.held + size <= (self.limit if is_only else self._full)

    def call_when_freed(self, callback: Callable[[], object]) -> None:
        """Call `callback` once, when fewer bytes are held. It must not change the ledger."""
        self._callbacks.append(callback)

    def _small_read(self) -> int:
        """Return the size of a read, which shrinks as more is held and less is free."""
        if self.held > self._full:
            return 0
        by_held = MAX_READ_BYTES * self._roomy // self.held
        free = self._full - self.held
        by_free = MAX_READ_BYTES * free // max(self._full - self._roomy, 1)
        return max(MIN_READ_BYTES, min(by_held, by_free))
