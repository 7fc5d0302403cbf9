"""What the relay tells its operator: one logger, one level, lines that nobody can forge.

What a device sends is never logged. Channels, devices and tokens are never logged. The words of an
exception may repeat what a device sent: they are told at "debug" only.
"""

import os
import sys
import time
import traceback
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
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.log_limit import LineLimit

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
line_limit = LineLimit(globalLogPublisher)
"""What all our lines go through."""
log = Logger(_OURS, observer=FilteringLogObserver(line_limit, [_levels]))
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
    lines = LineObserver(sys.stderr, under_journald(), with_words=level == "debug")
    # Ours have passed their limit before; what libraries say of one connection could be endless.
    observer = FilteringLogObserver(LineLimit(lines), [libraries])
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
    """Writes each event as a line; a traceback as several, each marked as its continuation.

    The words of an exception are written only `with_words`.
    """

    def __init__(self, stream: TextIO, journald: bool, with_words: bool = True) -> None:
        self._stream = stream
        self._journald = journald
        self._with_words = with_words

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level") or LogLevel.info
        failure = event.get("log_failure")
        text = eventAsText(
            event,
            includeTraceback=self._with_words,
            includeTimestamp=False,
            includeSystem=False,
        )
        if failure is not None and not self._with_words:
            text = "\n".join([*text.splitlines()[:1], *_places(failure)])
        if self._journald:
            head = f"<{_SYSLOG_PRIORITY[level]}>"
        else:
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.get("log_time")))
            head = f"{when} {level.name:5} "
        first, *rest = text.splitlines() or [""]
        lines = [head + printable(first), *(f"{head}| {printable(line)}" for line in rest)]
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()


def _places(failure: Failure) -> list[str]:
    """Where an exception came from and what kind it is, without its words."""
    frames = traceback.extract_tb(failure.getTracebackObject())
    places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return [*places, type(failure.value).__qualname__]


def printable(text: str) -> str:
    """`text` with every character escaped that a terminal or a log reader could act on."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
