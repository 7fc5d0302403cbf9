"""JSON objects as control messages have them: read strictly, written compactly (RFC 8259)."""

import json
from typing import Any

from vaultrelay.wire import base64url

_U32 = 0xFFFFFFFF


class BadControl(ValueError):
    """A text message that is no control message; the text says why, without the peer's bytes."""


class Fields:
    """The fields of one JSON object; each reader raises BadControl when the shape is wrong."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def text(self, name: str, longest: int, default: str | None = None) -> str:
        value = self._values.get(name, default)
        if type(value) is not str or len(value) > longest:
            raise BadControl(f"{name} is not a text of at most {longest} characters")
        return value

    def binary(self, name: str, size: int) -> bytes:
        try:
            return base64url.decode(self.text(name, 2 * size), size)
        except ValueError as error:
            raise BadControl(f"{name}: {error}") from None

    def integer(self, name: str) -> int:
        value = self._values.get(name)
        if type(value) is not int:
            raise BadControl(f"{name} is not a whole number")
        return value

    def number(self, name: str) -> float:
        value: Any = self._values.get(name)
        try:
            if type(value) in (int, float):
                return float(value)
        except OverflowError:
            pass
        raise BadControl(f"{name} is not a number")

    def optional_integer(self, name: str) -> int | None:
        return None if self._values.get(name) is None else self.integer(name)

    def optional_text(self, name: str, longest: int) -> str | None:
        return None if self._values.get(name) is None else self.text(name, longest)

    def pair(self, name: str) -> tuple[int, int]:
        value = self._values.get(name)
        if type(value) is not list or [type(item) for item in value] != [int, int]:
            raise BadControl(f"{name} is not a pair of whole numbers")
        return value[0], value[1]

    def session(self, name: str = "session") -> int:
        value = self.integer(name)
        if not 0 < value < _U32:
            raise BadControl(f"{name} is not a session number")
        return value

    def object(self, name: str) -> "Fields":
        return _object(self._values.get(name), name)

    def objects(self, name: str) -> list["Fields"]:
        value = self._values.get(name)
        if type(value) is not list:
            raise BadControl(f"{name} is not a list")
        return [_object(item, name) for item in value]


def _object(value: Any, name: str) -> Fields:
    if type(value) is not dict:
        raise BadControl(f"{name} is not an object")
    return Fields(value)


def read_object(text: bytes) -> Fields:
    """The fields of the JSON object in `text`; BadControl for everything else."""
    try:
        # Given bytes, json would read UTF-16 and UTF-32 as well.
        value = _DECODER.decode(text.decode("utf-8"))
    except BadControl:
        raise
    except (ValueError, RecursionError):
        raise BadControl("not JSON in UTF-8") from None
    return _object(value, "the message")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Parsers disagree on which of two equal names counts, so neither does.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadControl("a name appears twice")
    return found


def _no_constant(name: str) -> None:
    raise BadControl("NaN and Infinity are not JSON")


# Made once: json makes new ones at each call that asks for more than its defaults.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def write_object(type: str, **fields: object) -> bytes:
    """A control message as compact JSON."""
    return _ENCODER.encode({"type": type, **fields}).encode("ascii")
