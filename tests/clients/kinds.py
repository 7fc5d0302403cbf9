"""Kinds of clients, made of the Python client: as it is, in a browser, on a phone, resending."""

from dataclasses import dataclass
from typing import Any

from examples.python_adapter import SUPPORTS, Commands
from tests.clients import browser, resending
from tests.clients.faults import Fault
from tests.clients.in_process import InProcess, NewCommands
from tests.clients.phone import PhoneCommands


@dataclass(frozen=True)
class Kind:
    """What a client supports, what makes it one of its kind, and its adapter."""

    platform: str = "native"
    lacks: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    install: Fault = lambda patch: None
    commands: NewCommands = Commands

    def driver(self, reactor: Any) -> InProcess:
        """Return a driver for a client of this kind, which is installed."""
        supports = [each for each in SUPPORTS if each not in self.lacks]
        supports += self.has
        return InProcess(reactor, self.commands, platform=self.platform, supports=supports)


NATIVE = Kind()
BROWSER = Kind("browser", lacks=("tls", "token"), install=browser.install)
PHONE = Kind("phone", has=("suspend",), commands=PhoneCommands)
RESENDING = Kind(has=("resend",), install=resending.install)
