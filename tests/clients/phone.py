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
        self.suspended: dict[str, Fields] = {}

    def do_connect(self, client: str, *address: Any, **more: Any) -> None:
        self.joined[client] = more
        super().do_connect(client, *address, **more)

    def do_close(self, client: str) -> None:
        self.joined.pop(client, None)
        self.suspended.pop(client, None)
        super().do_close(client)

    def do_suspend(self) -> None:
        """Leave all channels."""
        self.suspended = dict(self.joined)
        for client in self.suspended:
            Commands.do_close(self, client)

    def do_wake(self, slept: float) -> None:
        super().do_wake(slept)
        resumed, self.suspended = self.suspended, {}
        for client, more in resumed.items():
            self.do_connect(client, **more)

    def do_network(self) -> None:
        for session in self._sessions.values():
            self.move(session)
        super().do_network()

    def move(self, session: Session) -> None:
        """Drop a connection of the old network; the next attempt is made at once."""
        if (device := session.connection.device) is not None:
            device.probe()
            device.abort()
