"""What the relay tells its operator: one logger, one level, lines that nobody can forge.

What a device sends is never logged. Channels, devices and tokens are never logged.
"""

import os
import sys
import time
from typing import TextIO

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsText,
    globalLogBeginner,
    globalLogPublisher,
)
from zope.interface import implementer

LEVELS = {
    "error": LogLevel.error,
    "warn": LogLevel.warn,
    "info": LogLevel.info,
    "debug": LogLevel.debug,
}
_SYSLOG_PRIORITY = {
    LogLevel.critical: 2,
    LogLevel.error: 3,
    LogLevel.warn: 4,
    LogLevel.info: 6,
    LogLevel.debug: 7,
}
_OURS = "vaultrelay"

_levels = LogLevelFilterPredicate(LogLevel.info)
log = Logger(_OURS, observer=FilteringLogObserver(globalLogPublisher, [_levels]))
"""The one logger of the relay."""


def set_level(name: str) -> None:
    """Log our own events from this level on; a key of LEVELS."""
    _levels.setLogLevelForNamespace(_OURS, LEVELS[name])


def log_to_stderr(level: str) -> None:
    """Write our events, and what goes wrong in the libraries, to standard error.

    Libraries say at "info" what only their authors need; they are heard at "debug".
    """
    set_level(level)
    libraries = LogLevelFilterPredicate(LogLevel.debug if level == "debug" else LogLevel.error)
    libraries.setLogLevelForNamespace(_OURS, LogLevel.debug)
    observer = FilteringLogObserver(LineObserver(sys.stderr, under_journald()), [libraries])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def under_journald() -> bool:
    """Whether standard error goes straight to the journal, which adds the time itself.

    systemd says so in JOURNAL_STREAM (systemd.exec(5)).
    """
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


@implementer(ILogObserver)
class LineObserver:
    """Writes each event as a line; a traceback as several, each marked as its continuation."""

    def __init__(self, stream: TextIO, journald: bool) -> None:
        self._stream = stream
        self._journald = journald

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level") or LogLevel.info
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if self._journald:
            head = f"<{_SYSLOG_PRIORITY[level]}>"
        else:
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.get("log_time")))
            head = f"{when} {level.name:5} "
        first, *rest = text.splitlines() or [""]
        lines = [head + printable(first), *(f"{head}| {printable(line)}" for line in rest)]
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()


def printable(text: str) -> str:
    """`text` with every character escaped that a terminal or a log reader could act on."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
