"""Reading: whether the relay reads from a device. It does while nothing speaks against it."""

from vaultrelay.broker.outbox import Outbox


class Reading:
    """The reasons for which a device is not read: receivers that are full, or a rest of its own."""

    __slots__ = ("_outbox", "against")

    def __init__(self, outbox: Outbox) -> None:
        self.against: set[object] = set()
        self._outbox = outbox

    def stop_for(self, reason: object) -> None:
        """Do not read until `go_on_after` the same reason, and all others."""
        if not self.against:
            self._outbox.pause()
        self.against.add(reason)

    def go_on_after(self, reason: object) -> None:
        """The reason is gone."""
        if reason in self.against:
            self.against.remove(reason)
            if not self.against:
                self._outbox.resume()
