"""What ``twistd vault-relay`` takes from us: Options and makeService."""

import os
import signal
import sys
import time
from types import FrameType
from typing import Any, NoReturn

from twisted.python import usage

from vaultrelay.logs import log
from vaultrelay.options import RelayOptions
from vaultrelay.service import RelayService
from vaultrelay.transport.listen import CannotListen

USAGE_ERROR = 2
"""The exit status for what the operator must put right."""


class Options(RelayOptions):
    """The relay's options, read with the process's environment."""

    environment = os.environ

    def reactor(self) -> Any:
        return real_reactor()

    def parseOptions(self, options: list[str] | None = None) -> None:
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            stop_with(error)


class TwistdRelayService(RelayService):
    """The relay under twistd, which would show a traceback where it cannot listen."""

    def privilegedStartService(self) -> None:
        try:
            super().privilegedStartService()
        except CannotListen as error:
            log.error("{error}", error=error)
            stop_with(error)


def makeService(options: Options) -> RelayService:
    """The relay as twistd's service."""
    return with_second_signal(TwistdRelayService(options.settings, real_reactor()))


def real_reactor() -> Any:
    """The one import of the reactor, with timers that run by a monotonic clock.

    Twisted's run by the wall clock, and would be off by as much as that is set.
    """
    from twisted.internet import reactor

    untyped: Any = reactor
    untyped.seconds = time.monotonic
    return untyped


def with_second_signal(relay: RelayService) -> RelayService:
    """`relay`, whose drain a second SIGINT or SIGTERM will end at once."""
    reactor = real_reactor()

    def hurry(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(relay.hurry)

    def drain_begins() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, hurry)

    reactor.addSystemEventTrigger("before", "shutdown", drain_begins)
    return relay


def stop_with(error: object) -> NoReturn:
    """One line on standard error, and the exit status that belongs to it."""
    # twistd turns sys.stderr into its log.
    print(f"vault-relay: {error}", file=sys.__stderr__)
    raise SystemExit(USAGE_ERROR)
