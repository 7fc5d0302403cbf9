"""RelayLog: the log of one relay, passed to every component that logs."""

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
)

from vaultrelay.logs.lines import OURS
from vaultrelay.logs.naming import Names
from vaultrelay.logs.rate_limit import LineLimit
from vaultrelay.logs.settings import LEVELS, LogSettings
from vaultrelay.logs.stderr import StderrOutput


class RelayLog:
    """Passes events from a level on to `observer`, with a limit on lines of a kind.

    `output` is configured with it. `debug` to `failure` are the methods of Twisted's Logger.
    `names` makes the fields of a line about a client.
    """

    def __init__(self, output: StderrOutput, observer: ILogObserver) -> None:
        self.names = Names()
        self._output = output
        self._levels = LogLevelFilterPredicate(LogLevel.info)
        limit = LineLimit(observer)
        logger = Logger(OURS, observer=FilteringLogObserver(limit, [self._levels]))
        self.debug, self.info, self.warn = logger.debug, logger.info, logger.warn
        self.error, self.failure = logger.error, logger.failure
        self.take_suppressed = limit.take_suppressed

    def configure(self, settings: LogSettings) -> None:
        """Apply these settings to all later events."""
        self._levels.setLogLevelForNamespace(OURS, LEVELS[settings.level])
        self.names.way = settings.addresses
        self._output.configure(settings)

    def is_enabled(self, level: str) -> bool:
        """Return whether events of this level are logged: if not, callers can skip preparing
        them."""
        return bool(self._levels.logLevelForNamespace(OURS) <= LEVELS[level])

    @property
    def format_applies(self) -> bool:
        """Return whether lines have the configured format; not so under twistd without its
        --logger."""
        return self._output.is_in_use
