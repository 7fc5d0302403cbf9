"""What ``twistd vault-relay`` takes from us: Options and makeService."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any

from twisted.python import usage

from vaultrelay.logs import format_is_ours, log
from vaultrelay.options import RelayOptions
from vaultrelay.options.reader import SettingsReader
from vaultrelay.process import fit_to_descriptors, real_reactor, stop_with
from vaultrelay.reload import Reloader
from vaultrelay.service import RelayService
from vaultrelay.transport.listen import CannotListen

_OUTPUTS = (1, 2)
"""Descriptors of standard output and standard error."""


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

    def startService(self) -> None:
        super().startService()
        if self.settings.log_format != "text" and not format_is_ours():
            log.warn(
                "twistd writes the log in its own way. For --log-format {wanted} begin with: "
                "twistd --nodaemon --logger vaultrelay.logs.stderr_observer",
                wanted=self.settings.log_format,
            )


def makeService(options: Options) -> RelayService:
    """The relay as twistd's service."""
    settings = fit_to_descriptors(options.settings)
    return with_signals(TwistdRelayService(settings, real_reactor()), options.reader)


def with_signals(relay: RelayService, reader: SettingsReader) -> RelayService:
    """`relay`, which reads its options anew on SIGHUP and when their files change.

    The SIGHUP of a terminal that closes ends it. A second SIGINT or SIGTERM will end its drain at
    once.
    """
    reactor = real_reactor()
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    if "NOTIFY_SOCKET" in os.environ:
        from vaultrelay.systemd_notify import Notify

        notify = Notify(os.environ, reactor, lambda: relay.broker.joined)
        notify.setServiceParent(relay)
        around = notify.reloading
    reloader = Reloader(relay, reader, reactor, fit_to_descriptors, around)
    reloader.setServiceParent(relay)

    at_terminal = [descriptor for descriptor in _OUTPUTS if os.isatty(descriptor)]

    def reload(number: int, frame: FrameType | None) -> None:
        if any(not os.isatty(descriptor) for descriptor in at_terminal):
            # It was closed: nobody could stop a relay that stays, and nobody reads what it says.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for descriptor in at_terminal:
                os.dup2(nowhere, descriptor)
            reactor.callFromThread(reactor.stop)
        else:
            reloader.ask()

    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, reload)

    def hurry(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(relay.hurry)

    def drain_begins() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, hurry)

    reactor.addSystemEventTrigger("before", "shutdown", drain_begins)
    return relay
