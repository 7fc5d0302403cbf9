"""Log lines: the format of an event, as text for people or as a JSON object."""

import json
import math
import time
import traceback
from datetime import UTC, datetime
from typing import cast

from twisted.logger import LogEvent, LogLevel, eventAsText
from twisted.python.failure import Failure
from twisted.python.reflect import safe_str

from vaultrelay.policy.limits.logs import LOG_LINE_BYTES, LOG_STACK_FRAMES
from vaultrelay.policy.printable import printable

OURS = "vaultrelay"
"""The namespace of our own events. Their fields are logged: the field names are ours."""
_RESERVED = ("time", "level", "message", "exception", "cut")
_MAX_ESCAPE_CHARS = 12
"""Bytes of one character in JSON: beyond U+FFFF it takes two escapes of six."""
_json = json.JSONEncoder(separators=(",", ":")).encode
_BITS = 63
"""Of a whole number that every reader of JSON takes."""


def text_lines(event: LogEvent, head: str, with_message: bool) -> str:
    """Return an event as a line after `head`; a traceback as several, each marked as a
    continuation.

    The message of an exception is included only if `with_message`.
    """
    failure = event.get("log_failure")
    text = _text(event, with_message, with_traceback=with_message)
    if failure is not None and not with_message:
        text = "\n".join([text, *_frames(failure), _kind(failure)])
    first, *rest = text.splitlines() or [""]
    return "\n".join([head + printable(first), *(f"{head}| {printable(line)}" for line in rest)])


def json_line(event: LogEvent, with_message: bool) -> str:
    """Return an event as one line of JSON, in ASCII and no longer than LOG_LINE_BYTES.

    Texts are printable here too: in the end they may be read on a terminal.
    """
    message = printable(_text(event, with_message, with_traceback=False))
    head = {"time": utc(event, "milliseconds"), "level": level_of(event).name}
    fields: dict[str, object] = {**head, "message": message}
    if event.get("log_namespace") == OURS:
        names = [name for name in event if not name.startswith("log_")]
        fields |= {_unreserved(name, event): _plain(event[name]) for name in names}
    failure = event.get("log_failure")
    if failure is not None:
        text = {"text": printable(safe_str(failure.value))} if with_message else {}
        frames = _frames(failure)[-LOG_STACK_FRAMES:]
        fields["exception"] = {"kind": _kind(failure), "frames": frames, **text}
    line = _json(fields)
    if len(line) <= LOG_LINE_BYTES:
        return line
    return _json(
        {**head, "message": message[: LOG_LINE_BYTES // _MAX_ESCAPE_CHARS // 2], "cut": True}
    )


def level_of(event: LogEvent) -> LogLevel:
    """Return the level of an event, or the default of one without."""
    return cast("LogLevel", event.get("log_level") or LogLevel.info)


def utc(event: LogEvent, precision: str) -> str:
    """Return the time of an event by RFC 3339."""
    moment = datetime.fromtimestamp(event.get("log_time", time.time()), UTC)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _text(event: LogEvent, with_message: bool, with_traceback: bool) -> str:
    text = eventAsText(
        event, includeTraceback=with_traceback, includeTimestamp=False, includeSystem=False
    )
    if event.get("log_failure") is None or with_message:
        return text
    # The next lines may be the message of the exception.
    return "".join(text.splitlines()[:1])


def _frames(failure: Failure) -> list[str]:
    """Return the stack frames of an exception."""
    frames = traceback.extract_tb(failure.getTracebackObject())
    return [printable(f"{frame.filename}:{frame.lineno} in {frame.name}") for frame in frames]


def _kind(failure: Failure) -> str:
    return type(failure.value).__qualname__


def _unreserved(name: str, event: LogEvent) -> str:
    """Return the name, or one that is neither reserved nor the name of another field."""
    free = name
    while free in _RESERVED or (free != name and free in event):
        free = f"field_{free}"
    return free


def _plain(value: object) -> object:
    """Return a field's value as a JSON value, or as text if JSON has no such type."""
    is_exact = (type(value) is int and value.bit_length() <= _BITS) or (
        type(value) is float and math.isfinite(value)
    )
    if is_exact or value is None or isinstance(value, bool):
        return value
    return printable(safe_str(value))
