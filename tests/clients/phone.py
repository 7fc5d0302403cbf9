"""The Python client in an app on a phone, whose system suspends it and changes networks."""

from collections.abc import Callable
from typing import Any

from examples.python_adapter import Commands, Session
from examples.python_events import Fields
from vaultrelay.client import MailStore


class PhoneCommands(Commands):
    """Leaves before a suspension, joins after it, and trusts no connection on another network."""

    def __init__(self, reactor: Any, new_store: Callable[[str], MailStore]) -> None:
        super().__init__(reactor, new_store)
        self.joined: dict[str, Fields] = {}
        self.suspended: dict[str, Session] = {}
        self.due: dict[str, float] = {}

    def do_connect(self, client: str, *address: Any, **more: Any) -> None:
        self.joined[client] = more
        super().do_connect(client, *address, **more)

    def do_close(self, client: str) -> None:
        self.joined.pop(client, None)
        self.suspended.pop(client, None)
        super().do_close(client)

    def do_suspend(self) -> None:
        """Leave all channels, and those that only the user may join again for good."""
        left = dict(self._sessions)
        self.suspended = {name: each for name, each in left.items() if self.returns(each)}
        self.due = {name: self.due_at(each) for name, each in self.suspended.items()}
        for client in left:
            Commands.do_close(self, client)

    def returns(self, session: Session) -> bool:
        """Return whether a client joins again by itself."""
        return session.connection._delay is not None

    def due_at(self, session: Session) -> float:
        """Return the time up to which a client waits, if the relay gave it."""
        timer = session.connection._timer
        is_waiting = timer is not None and timer.active()
        is_given = session.connection._reconnecting.is_delay_given
        return timer.getTime() if timer is not None and is_waiting and is_given else 0.0

    def do_wake(self, slept: float) -> None:
        super().do_wake(slept)
        resumed, self.suspended = self.suspended, {}
        for client, before in resumed.items():
            self.resume(client, before, self.due[client])

    def resume(self, client: str, before: Session, at: float) -> None:
        """Join again, not before a time, by what the client knew before the suspension."""
        rest = at - self._clock.seconds()
        if rest > 0:
            self._clock.callLater(rest, self.resume, client, before, at)
        elif client in self.joined:
            self.do_connect(client, **self.joined[client])
            self._sessions[client].connection._reconnecting = before.connection._reconnecting

    def do_network(self) -> None:
        for session in self._sessions.values():
            self.move(session)
        super().do_network()

    def move(self, session: Session) -> None:
        """Drop a connection of the old network; the next attempt is made at once."""
        if (device := session.connection.device) is not None:
            device.probe()
            device.abort()
