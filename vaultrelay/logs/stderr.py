"""StderrOutput: the selection and format of the events on standard error."""

import os
import sys
from contextlib import suppress
from functools import partial

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
)

from vaultrelay.logs.lines import OURS, json_line, level_of, text_lines, utc
from vaultrelay.logs.rate_limit import LineLimit
from vaultrelay.logs.settings import LogSettings

_SYSLOG_PRIORITY = {
    LogLevel.critical: 2,
    LogLevel.error: 3,
    LogLevel.warn: 4,
    LogLevel.info: 6,
    LogLevel.debug: 7,
}


class StderrOutput:
    """The output of a process's log to its standard error.

    `is_in_use`: an observer was made, so that lines have our format.
    """

    def __init__(self) -> None:
        self.settings = LogSettings()
        self.is_in_use = False
        self._levels = LogLevelFilterPredicate(LogLevel.error)
        self._levels.setLogLevelForNamespace(OURS, LogLevel.debug)

    def configure(self, settings: LogSettings) -> None:
        """Apply these settings to all later lines."""
        self.settings = settings
        # Lines of libraries at "info" are for their developers.
        library_level = LogLevel.debug if settings.level == "debug" else LogLevel.error
        self._levels.setLogLevelForNamespace("", library_level)

    def observer(self) -> ILogObserver:
        """Return an observer that writes our events, and the errors of libraries."""
        self.is_in_use = True
        lines = FileLogObserver(sys.stderr, partial(self.format, journald=under_journald()))
        # Our events have passed a limit before; those of libraries could be endless.
        return FilteringLogObserver(LineLimit(lines), [self._levels])

    def format(self, event: LogEvent, *, journald: bool) -> str:
        """Return the lines of an event. The messages of exceptions are in them at "debug" only."""
        level = level_of(event)
        with_message = self.settings.level == "debug"
        # The journal takes the priority off again and keeps it beside the line, JSON or not:
        # `journalctl -p warning` works, and `-o cat` gives the bare objects.
        head = f"<{_SYSLOG_PRIORITY[level]}>" if journald else ""
        if self.settings.format == "json":
            return f"{head}{json_line(event, with_message)}\n"
        head = head or f"{utc(event, 'seconds')} {level.name:5} "
        return text_lines(event, head, with_message) + "\n"


def under_journald() -> bool:
    """Return whether standard error goes straight to the journal, which adds the time itself.

    systemd sets JOURNAL_STREAM for it (systemd.exec(5)).
    """
    with suppress(OSError, ValueError):
        status = os.fstat(sys.stderr.fileno())
        return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
    return False
