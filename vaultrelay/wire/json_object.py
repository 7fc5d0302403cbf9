"""JSON objects in control messages: parsed strictly, written compactly (RFC 8259)."""

import json
from typing import Any

from vaultrelay.wire import base64url
from vaultrelay.wire.broken_rule import BrokenRule, FieldRule, Rule

_U32 = 0xFFFFFFFF


class BadControl(BrokenRule):
    """A text message that is not a control message."""


class Fields:
    """The fields of one JSON object. Each reader raises BadControl if the shape is wrong."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def discard(self, name: str) -> None:
        """Forget a field, as one that is not known."""
        self._values.pop(name, None)

    def text(self, name: str, longest: int, default: str | None = None) -> str:
        value = self._values.get(name, default)
        if type(value) is not str:
            raise self._not(name, "text")
        if len(value) > longest:
            raise _bad_field(name, FieldRule.LENGTH, f"is longer than {longest} characters")
        return value

    def binary(self, name: str, size: int) -> bytes:
        try:
            return base64url.decode(self.text(name, 2 * size), size)
        except base64url.BadLength as error:
            raise _bad_field(name, FieldRule.LENGTH, f"is {error}") from None
        except base64url.BadSpelling as error:
            raise _bad_field(name, FieldRule.BASE64URL, f"is {error}") from None

    def optional_binary(self, name: str, size: int) -> bytes | None:
        return None if self._values.get(name) is None else self.binary(name, size)

    def integer(self, name: str) -> int:
        value = self._values.get(name)
        if type(value) is not int:
            raise self._not(name, "a whole number")
        return value

    def integer_within(self, name: str, bounds: tuple[int, int]) -> int:
        value = self.integer(name)
        lowest, highest = bounds
        if not lowest <= value <= highest:
            raise _bad_field(name, FieldRule.TYPE, f"is not within {lowest} and {highest}")
        return value

    def number(self, name: str) -> float:
        value: Any = self._values.get(name)
        try:
            if type(value) in (int, float):
                return float(value)
        except OverflowError:
            pass
        raise self._not(name, "a number")

    def optional_integer(self, name: str) -> int | None:
        return None if self._values.get(name) is None else self.integer(name)

    def optional_integer_within(self, name: str, bounds: tuple[int, int]) -> int | None:
        return None if self._values.get(name) is None else self.integer_within(name, bounds)

    def optional_text(self, name: str, longest: int) -> str | None:
        return None if self._values.get(name) is None else self.text(name, longest)

    def pair_within(self, name: str, bounds: tuple[int, int]) -> tuple[int, int]:
        value = self._values.get(name)
        if type(value) is not list or [type(item) for item in value] != [int, int]:
            raise self._not(name, "a pair of whole numbers")
        low, high = value
        lowest, highest = bounds
        if not lowest <= low <= high <= highest:
            raise _bad_field(name, FieldRule.TYPE, f"is not a range within {lowest} and {highest}")
        return low, high

    def session(self, name: str = "session") -> int:
        value = self.integer(name)
        if not 0 < value < _U32:
            raise self._not(name, "a session number")
        return value

    def object(self, name: str) -> "Fields":
        value = self._values.get(name)
        if type(value) is not dict:
            raise self._not(name, "an object")
        return Fields(value)

    def objects(self, name: str, maximum: int) -> list["Fields"]:
        value = self._values.get(name)
        if type(value) is not list or any(type(item) is not dict for item in value):
            raise self._not(name, "a list of objects")
        if len(value) > maximum:
            raise _bad_field(name, FieldRule.LENGTH, f"has more than {maximum} objects")
        return [Fields(item) for item in value]

    def _not(self, name: str, wanted: str) -> BadControl:
        if name not in self._values:
            return _bad_field(name, FieldRule.MISSING, "is missing")
        return _bad_field(name, FieldRule.TYPE, f"is not {wanted}")


def _bad_field(name: str, rule: FieldRule, fault: str) -> BadControl:
    return BadControl(f"{name}_{rule.value}", f"{name} {fault}")


def read_object(text: bytes) -> Fields:
    """Return the fields of the JSON object in `text`. Raises BadControl if it is not one."""
    try:
        # Given bytes, json would read UTF-16 and UTF-32 as well.
        value = _DECODER.decode(text.decode("utf-8"))
    except BadControl:
        raise
    except (ValueError, RecursionError):
        raise BadControl.of(Rule.JSON) from None
    if type(value) is not dict:
        raise BadControl.of(Rule.OBJECT)
    return Fields(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Parsers disagree on which of two equal names counts, so neither does.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadControl.of(Rule.DUPLICATE_NAME)
    return found


def _no_constant(name: str) -> None:
    raise BadControl.of(Rule.JSON)


# Made once: json makes a new one at each call with other than its defaults.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def write_object(type: str, **fields: object) -> bytes:
    """Return a control message as compact JSON."""
    return _ENCODER.encode({"type": type, **fields}).encode("ascii")


def write_value(value: object) -> str:
    """Return a value as compact JSON in ASCII, for a message that is formatted from its parts."""
    return _ENCODER.encode(value)
