"""Log lines in JSON: what is told, and that no value splits a line or passes for another's."""

import json
import re
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure

from vaultrelay.logs.lines import json_line
from vaultrelay.policy.limits.logs import LOG_LINE_BYTES, LOG_STACK_FRAMES

NOON = 1780315200.75


def event_of(text: str = "text", **values: Any) -> LogEvent:
    return {
        "log_format": text,
        "log_level": LogLevel.info,
        "log_namespace": "vaultrelay",
        "log_time": NOON,
        **values,
    }


def told(text: str = "text", with_message: bool = False, **values: Any) -> dict[str, Any]:
    """What a reader of the line gets."""
    line = json_line(event_of(text, **values), with_message)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= LOG_LINE_BYTES
    found: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    return found


def failure_of(text: str) -> Failure:
    try:
        raise ValueError(text)
    except ValueError:
        return Failure()


def recursion_of(text: str) -> Failure:
    def deeper(times: int) -> None:
        if not times:
            raise ValueError(text)
        deeper(times - 1)

    try:
        deeper(900)
    except ValueError:
        return Failure()
    raise AssertionError


def test_a_line_has_time_level_message_and_its_fields() -> None:
    line = json_line(event_of("{count} left: {why}", count=2, why="idle", open=True), False)
    assert line == (
        '{"time":"2026-06-01T12:00:00.750Z","level":"info","message":"2 left: idle","count":2,'
        '"why":"idle","open":true}'
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (False, False),
        (-3, -3),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        ("a\n\x1b\u2028\udc80ü", r"a\n\x1b\u2028\udc80ü"),
        (ip_address("192.0.2.1"), "192.0.2.1"),
        (b"\x00", r"\x00"),
        ([1], "[1]"),
    ],
    ids=repr,
)
def test_a_value_is_told_as_json_has_it_or_as_text(value: object, shown: object) -> None:
    assert ascii(told(value=value)["value"]) == ascii(shown)


def test_a_value_that_cannot_be_told_says_so() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("a mistake of ours")

        __repr__ = __str__

    assert "Broken" in told(value=Broken())["value"]
    assert "ValueError" in told(value=10**5000)["value"], "Python writes no number so long"


@pytest.mark.parametrize("name", ["time", "level", "message", "exception", "cut"])
def test_a_field_of_a_name_that_is_taken_gets_a_prefix(name: str) -> None:
    fields: dict[str, Any] = {name: "ours"}
    found = told("text", **fields)
    assert found[f"field_{name}"] == "ours"
    assert found["message"] == "text"
    fields[f"field_{name}"] = "another's"
    both = told("text", **fields)
    assert (both[f"field_field_{name}"], both[f"field_{name}"]) == ("ours", "another's")


def test_the_fields_of_a_library_are_not_told() -> None:
    event = event_of("text {peer}", peer="198.51.100.1", system="-", log_namespace="twisted.web")
    assert list(json.loads(json_line(event, False))) == ["time", "level", "message"]


def test_an_event_without_level_time_or_text_is_one_line() -> None:
    found = json.loads(json_line({"log_format": "", "log_level": None}, False))
    assert (found["level"], found["message"]) == ("info", "")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"])


def test_an_exception_is_its_kind_and_places_and_its_words_if_wanted() -> None:
    failure = failure_of("what a peer\nsaid")
    found = told("It failed", log_failure=failure)
    assert found["message"] == "It failed"
    assert found["exception"]["kind"] == "ValueError"
    (place,) = found["exception"]["frames"]
    assert re.fullmatch(r".*test_lines\.py:\d+ in failure_of", place)
    assert "what a peer" not in json.dumps(found)
    found = told("It failed", with_message=True, log_failure=failure)
    assert found["exception"]["text"] == r"what a peer\nsaid"
    assert found["message"] == "It failed"


def test_the_words_of_an_exception_are_not_told_with_the_message() -> None:
    found = told("It failed\n{what}", log_failure=failure_of("x"), what="what a peer said")
    assert found["message"] == "It failed"


def test_of_an_endless_recursion_the_innermost_places_are_told() -> None:
    found = told("short", log_failure=recursion_of("x"))
    places = found["exception"]["frames"]
    assert len(places) == LOG_STACK_FRAMES
    assert all(place.endswith(" in deeper") for place in places)


@pytest.mark.parametrize("text", ["{what}", "short"])
def test_a_line_is_cut_before_the_journal_splits_it(text: str) -> None:
    longest = "\U0001f600" * LOG_LINE_BYTES
    found = told(text, True, log_failure=failure_of(longest), what=longest)
    assert found["cut"] is True
    assert list(found) == ["time", "level", "message", "cut"]
    assert longest.startswith(found["message"]) or found["message"] == "short"
    assert found["message"]


@given(st.text(), st.text(), st.booleans())
def test_whatever_the_values_a_line_is_one_object(
    first: str, second: str, with_message: bool
) -> None:
    found = told(
        "{first}", with_message, first=first, second=second, log_failure=failure_of(second)
    )
    names = ["time", "level", "message", "first", "second", "exception"]
    assert list(found) == names
    assert found["second"].isprintable()
