"""What ``twistd vault-relay`` takes from us: Options and makeService."""

import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from twisted.python import usage

from vaultrelay.logs import log
from vaultrelay.options import RelayOptions
from vaultrelay.service import RelayService
from vaultrelay.settings import Settings
from vaultrelay.transport.endpoint_string import BadEndpoint
from vaultrelay.transport.listen import CannotListen

USAGE_ERROR = 2
"""The exit status for what the operator must put right."""


class Options(RelayOptions):
    """The relay's options, read with the process's environment."""

    environment = os.environ

    def parseOptions(self, options: list[str] | None = None) -> None:
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            stop_with(error)


class CheckedRelayService(RelayService):
    """The relay under twistd: where it cannot listen, it says so in one sentence."""

    def privilegedStartService(self) -> None:
        try:
            super().privilegedStartService()
        except CannotListen as error:
            log.error("{error}", error=error)
            stop_with(error)


def makeService(options: Options) -> RelayService:
    """The relay as twistd's service."""
    return make_relay(options.settings)


def make_relay(settings: Settings) -> RelayService:
    """The relay on the real reactor."""
    from twisted.internet import reactor

    # Twisted's timers run by the wall clock, and would be off by as much as it is set.
    reactor.seconds = time.monotonic  # type: ignore[attr-defined]
    try:
        relay = CheckedRelayService(settings, reactor)
    except BadEndpoint as error:
        stop_with(f"--listen: {error}")
    reactor.addSystemEventTrigger(  # type: ignore[attr-defined]
        "before", "shutdown", end_on_second_signal, relay
    )
    return relay


def end_on_second_signal(relay: RelayService) -> None:
    """From now on SIGINT and SIGTERM end the drain at once."""
    from twisted.internet import reactor

    def hurry(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(relay.hurry)  # type: ignore[attr-defined]

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hurry)


def stop_with(error: object) -> NoReturn:
    """One line on standard error, and the exit status that belongs to it."""
    print(f"vault-relay: {error}", file=sys.stderr)
    raise SystemExit(USAGE_ERROR)
