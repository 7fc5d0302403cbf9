"""Reading: whether the relay reads from a device. It does while nothing speaks against it."""

from collections.abc import Collection

from vaultrelay.broker.outbox import Outbox


class Reading:
    """The reasons for which a device is not read: receivers that are full, or a rest of its own."""

    __slots__ = ("_against", "_outbox")

    def __init__(self, outbox: Outbox) -> None:
        # A set is made when there is a reason: an empty one takes more than all else in here.
        self._against: set[object] | None = None
        self._outbox = outbox

    @property
    def against(self) -> Collection[object]:
        """The reasons that there are now."""
        return self._against or ()

    def stop_for(self, reason: object) -> None:
        """Do not read until `go_on_after` the same reason, and all others."""
        if self._against is None:
            self._against = {reason}
            self._outbox.pause()
        else:
            self._against.add(reason)

    def go_on_after(self, reason: object) -> None:
        """The reason is gone."""
        if self._against is not None and reason in self._against:
            self._against.remove(reason)
            if not self._against:
                self._against = None
                self._outbox.resume()

    def forget(self) -> None:
        """Drop all reasons; the connection is over."""
        self._against = None
