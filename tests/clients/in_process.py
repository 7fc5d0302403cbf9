"""The adapter of the Python client in the process of the test, where a fault can be put into it."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from twisted.internet.task import deferLater

from examples.python_adapter import ABOUT, SUPPORTS, Commands
from vaultrelay.client import MailStore, MemoryMailStore

NewCommands = Callable[[Any, Callable[[str], MailStore]], Commands]
"""Makes the adapter's commands of a reactor, and of what makes the stores of mailboxes."""
TURNS = 5
"""Of the reactor. A connection takes two to end on both sides."""


class InProcess:
    """A driver that calls the adapter's commands."""

    def __init__(self, reactor: Any, commands: NewCommands = Commands, **about: object) -> None:
        self._about = {**ABOUT, "supports": SUPPORTS, **about}
        self._reactor = reactor
        stores: dict[str, MemoryMailStore] = defaultdict(MemoryMailStore)
        self._commands = commands(reactor, stores.__getitem__)

    async def start(self) -> dict[str, Any]:
        return self._about

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        return self._commands.answer(command)

    def new_case(self) -> None:
        """Nothing is counted."""

    async def stop(self) -> None:
        """Let the clients, which each case has closed, see the ends of their connections."""
        for _ in range(TURNS):
            await deferLater(self._reactor, 0)
