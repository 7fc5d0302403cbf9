"""The plugin of ``twistd vault-relay``: Options and makeService."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.python import usage

from vaultrelay import __version__
from vaultrelay.app.exit_status import fit_to_open_files, stop_with
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.reload import Reloader
from vaultrelay.app.service import RelayService
from vaultrelay.app.signal_handlers import StopSignals, reload_on_hangup, report_ignored
from vaultrelay.app.standard_streams import guard, print_result
from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.logs import RelayLog, log_under_twistd
from vaultrelay.transport.listening_service import CannotListen

if TYPE_CHECKING:
    from vaultrelay.app.twistd_daemon import TwistdStart


class Options(RelayOptions):
    """The relay's options, with the environment of the process."""

    environment = os.environ

    parent: Any = None
    """The options of twistd itself."""

    def __init__(self) -> None:
        # The first code of ours that twistd runs, before the reactor opens a descriptor.
        guard()
        super().__init__()

    def reactor(self) -> Any:
        return real_reactor()

    def user(self) -> int | None:
        user: int | None = self.parent.get("uid") if self.parent is not None else None
        return user

    def opt_version(self) -> None:
        print_result(f"vault-relay {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: list[str] | None = None) -> None:
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            stop_with(error)


class TwistdRelayService(RelayService):
    """The relay under twistd. Reports an error in place of twistd's traceback if it cannot listen.

    `start` gets the result of the start; None on a system without daemons.
    """

    start: "TwistdStart | None" = None

    def privilegedStartService(self) -> None:
        try:
            super().privilegedStartService()
            if self.start is not None:
                self.start.give_away(self.unix_paths)
        except CannotListen as error:
            self.log.error("{error}", error=error)
            if self.start is not None:
                self.start.fail(error)
            stop_with(error)

    def startService(self) -> None:
        super().startService()
        if self.start is not None:
            self.start.succeeded()
        if self.settings.log_format != "text" and not self.log.format_applies:
            self.log.warn(
                "twistd writes the log in its own way. For --log-format {wanted} begin with: "
                "twistd --nodaemon --logger vaultrelay.logs.stderr_observer",
                wanted=self.settings.log_format,
            )


def makeService(options: Options) -> RelayService:
    """Return the relay as a service for twistd."""
    settings = fit_to_open_files(options.settings)
    relay = TwistdRelayService(settings, real_reactor(), log=log_under_twistd())
    if options.parent is not None and "nodaemon" in options.parent:
        # Not on Windows, which has no daemons.
        from vaultrelay.app.twistd_daemon import TwistdStart

        relay.start = TwistdStart(options.parent)
    return with_reload_and_signals(relay, options.reader)


def with_reload_and_signals(relay: RelayService, reader: SettingsReader) -> RelayService:
    """Return `relay` with reload, signal handlers, and notification of systemd if it is used."""
    reactor = real_reactor()
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    if "NOTIFY_SOCKET" in os.environ:
        from vaultrelay.app.systemd_notifier import Notify

        notify = Notify(os.environ, reactor, lambda: relay.broker.joined, log=relay.log)
        notify.setServiceParent(relay)
        around = notify.reloading
    reloader = Reloader(
        relay, reader, clock=reactor, fit=fit_to_open_files, around=around, log=relay.log
    )
    reloader.setServiceParent(relay)
    reload_on_hangup(reactor, reloader.ask)
    StopSignals(reactor, relay.abort_drain).install()
    report_ignored(reactor, partial(_report_ignored, relay.log))
    return relay


def _report_ignored(log: RelayLog, name: str) -> None:
    log.warn(
        "{name} is ignored. SIGHUP reads the options again, SIGTERM stops the relay", name=name
    )
