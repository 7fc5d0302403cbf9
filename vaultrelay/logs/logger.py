"""The logger: one for the relay, the level it hears, and where its lines go and in which style."""

import os
import sys
from dataclasses import dataclass
from typing import TextIO

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    globalLogPublisher,
)
from zope.interface import implementer

from vaultrelay.logs.limit import LineLimit
from vaultrelay.logs.lines import OURS, json_line, level_of, text_lines, utc
from vaultrelay.logs.naming import Names

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
FORMATS = ("text", "json")

_levels = LogLevelFilterPredicate(LogLevel.info)
_heard = LogLevelFilterPredicate(LogLevel.error)
_heard.setLogLevelForNamespace(OURS, LogLevel.debug)
line_limit = LineLimit(globalLogPublisher)
"""What all our lines go through."""
log = Logger(OURS, observer=FilteringLogObserver(line_limit, [_levels]))
"""The one logger of the relay."""
names = Names()
"""How our lines name whom they are about."""


@dataclass
class Style:
    """How lines are written: one of FORMATS, and whether exceptions are told with their words."""

    format: str = "text"
    with_words: bool = True
    is_in_use: bool = False


_style = Style(with_words=False)


def set_level(name: str) -> None:
    """Log our own events from this level on; a key of LEVELS.

    Libraries say at "info" what only their authors need; they are heard at "debug".
    """
    _levels.setLogLevelForNamespace(OURS, LEVELS[name])
    _style.with_words = name == "debug"
    _heard.setLogLevelForNamespace("", LogLevel.debug if name == "debug" else LogLevel.error)


def set_format(name: str) -> None:
    """Write lines in this format from now on; one of FORMATS."""
    _style.format = name


def format_is_ours() -> bool:
    """Whether the lines are written by us. They are not where twistd has been given no --logger."""
    return _style.is_in_use


def set_addresses(name: str) -> None:
    """Name addresses and channels in this way from now on; one of log_names.WAYS."""
    names.way = name


def hears(name: str) -> bool:
    """Whether our events of this level are logged: nothing need be looked up for the others."""
    return bool(_levels.logLevelForNamespace(OURS) <= LEVELS[name])


def log_to_stderr(level: str, format: str = "text") -> None:
    """Write our events, and what goes wrong in the libraries, to standard error."""
    set_level(level)
    set_format(format)
    globalLogBeginner.beginLoggingTo([stderr_observer()], redirectStandardIO=False)


def stderr_observer() -> ILogObserver:
    """What writes the log to standard error. ``twistd --logger`` takes it, too."""
    _style.is_in_use = True
    lines = LineObserver(sys.stderr, under_journald(), _style)
    # Ours have passed their limit before; what libraries say of one connection could be endless.
    return FilteringLogObserver(LineLimit(lines), [_heard])


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
    """Writes each event at once, in the style that is in force then."""

    def __init__(self, stream: TextIO, journald: bool, style: Style | None = None) -> None:
        self._stream = stream
        self._journald = journald
        self._style = style or Style()

    def __call__(self, event: LogEvent) -> None:
        style, level = self._style, level_of(event)
        # The journal takes the priority off again and keeps it beside the line, JSON or not:
        # `journalctl -p warning` works, and `-o cat` gives the bare objects.
        head = f"<{_SYSLOG_PRIORITY[level]}>" if self._journald else ""
        if style.format == "json":
            lines = head + json_line(event, style.with_words)
        else:
            lines = text_lines(
                event, head or f"{utc(event, 'seconds')} {level.name:5} ", style.with_words
            )
        self._stream.write(lines + "\n")
        self._stream.flush()
