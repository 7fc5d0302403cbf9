"""The plugin of ``twistd vault-relay``: Options and makeService."""

from vaultrelay.app import native_demand  # noqa: F401  before what has twins
from vaultrelay.app.exit_status import CannotStart, stop_with
from vaultrelay.app.open_files import fit_to_open_files
from vaultrelay.app.process_control import add_process_control
from vaultrelay.app.process_options import ProcessOptions
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.service import RelayService
from vaultrelay.app.twistd_daemon import TwistdStart
from vaultrelay.logs import log_under_twistd
from vaultrelay.transport.listening_service import CannotListen

Options = ProcessOptions


class TwistdRelayService(RelayService):
    """The relay under twistd. Reports an error instead of twistd's traceback if it cannot listen.

    `start` gets the result of the start; None on a system without daemons.
    """

    start: TwistdStart | None = None

    def privilegedStartService(self) -> None:
        try:
            super().privilegedStartService()
            if self.start is not None:
                self.start.give_away(self.unix_paths)
        except CannotListen as error:
            self._stop_with(error)

    def startService(self) -> None:
        try:
            super().startService()
        except CannotStart as error:
            self._stop_with(error)
        if self.start is not None:
            self.start.succeeded()
        if self.settings.log_format != "text" and not self.log.format_applies:
            self.log.warn(
                "{option} {wanted} has no effect: twistd writes the log in its own format. To use "
                "it, start with: twistd --nodaemon --logger vaultrelay.logs.stderr_observer",
                option=self.settings.source_of("log-format"),
                wanted=self.settings.log_format,
            )

    def _stop_with(self, error: Exception) -> None:
        self.log.error("{error}", error=error)
        if self.start is not None:
            self.start.fail(error)
        stop_with(error)


def makeService(options: ProcessOptions) -> RelayService:
    """Return the relay as a service for twistd."""
    settings = fit_to_open_files(options.settings)
    relay = TwistdRelayService(settings, real_reactor(), log=log_under_twistd())
    if options.parent is not None and "nodaemon" in options.parent:
        # Not on Windows, which has no daemons.
        relay.start = TwistdStart(options.parent)
    add_process_control(relay, options.reader)
    return relay
