"""Log lines: the format of an event, as text for people or as a JSON object."""

import json
import math
import time
import traceback
from datetime import UTC, datetime

from twisted.logger import LogEvent, LogLevel, eventAsText
from twisted.python.failure import Failure
from twisted.python.reflect import safe_str

from vaultrelay.policy.limits import LOG_LINE_BYTES, LOG_PLACES
from vaultrelay.policy.printable import printable

OURS = "vaultrelay"
"""The namespace of our own events. Their fields are logged: the field names are ours."""
_RESERVED = ("time", "level", "message", "exception", "cut")
_LONGEST_ESCAPE = 12
"""Bytes of one character in JSON: beyond U+FFFF it takes two escapes of six."""
_BITS = 63
"""Of a whole number that every reader of JSON takes."""


def text_lines(event: LogEvent, head: str, with_words: bool) -> str:
    """Return an event as a line after `head`; a traceback as several, each marked as a
    continuation.

    The message of an exception is included only if `with_words`.
    """
    failure = event.get("log_failure")
    text = _text(event, with_words, with_traceback=with_words)
    if failure is not None and not with_words:
        text = "\n".join([text, *_places(failure), _kind(failure)])
    first, *rest = text.splitlines() or [""]
    return "\n".join([head + printable(first), *(f"{head}| {printable(line)}" for line in rest)])


def json_line(event: LogEvent, with_words: bool) -> str:
    """Return an event as one line of JSON, in ASCII and no longer than LOG_LINE_BYTES.

    Texts are printable here too: in the end they may be read on a terminal.
    """
    message = printable(_text(event, with_words, with_traceback=False))
    head = {"time": utc(event, "milliseconds"), "level": level_of(event).name}
    told: dict[str, object] = {**head, "message": message}
    if event.get("log_namespace") == OURS:
        for name, value in event.items():
            if not name.startswith("log_"):
                told[_unreserved(name, event)] = _plain(value)
    failure = event.get("log_failure")
    if failure is not None:
        words = {"words": printable(safe_str(failure.value))} if with_words else {}
        told["exception"] = {
            "kind": _kind(failure),
            "places": _places(failure)[-LOG_PLACES:],
            **words,
        }
    line = _dumped(told)
    if len(line) > LOG_LINE_BYTES:
        beginning = message[: LOG_LINE_BYTES // _LONGEST_ESCAPE // 2]
        line = _dumped({**head, "message": beginning, "cut": True})
    return line


def level_of(event: LogEvent) -> LogLevel:
    """Return the level of an event, or the default of one without."""
    level: LogLevel = event.get("log_level") or LogLevel.info
    return level


def utc(event: LogEvent, precision: str) -> str:
    """Return the time of an event by RFC 3339."""
    happened_at = event.get("log_time")
    moment = datetime.fromtimestamp(time.time() if happened_at is None else happened_at, UTC)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _text(event: LogEvent, with_words: bool, with_traceback: bool) -> str:
    text = eventAsText(
        event, includeTraceback=with_traceback, includeTimestamp=False, includeSystem=False
    )
    if event.get("log_failure") is not None and not with_words:
        # The next lines may be the message of the exception.
        return "".join(text.splitlines()[:1])
    return text


def _places(failure: Failure) -> list[str]:
    """Return the stack frames of an exception."""
    frames = traceback.extract_tb(failure.getTracebackObject())
    return [printable(f"{frame.filename}:{frame.lineno} in {frame.name}") for frame in frames]


def _kind(failure: Failure) -> str:
    return type(failure.value).__qualname__


def _unreserved(name: str, event: LogEvent) -> str:
    if name not in _RESERVED:
        return name
    while name in _RESERVED or name in event:
        name = f"field_{name}"
    return name


def _plain(value: object) -> object:
    """Return a field's value as a JSON value, or as text if JSON has no such type."""
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int and value.bit_length() <= _BITS:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    return printable(safe_str(value))


def _dumped(told: dict[str, object]) -> str:
    return json.dumps(told, separators=(",", ":"))
