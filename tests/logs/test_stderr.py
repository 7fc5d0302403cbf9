"""Standard error: which events are written at which level, and that no value forges a line."""

import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure

from vaultrelay.logs import LEVELS, LogSettings
from vaultrelay.logs.stderr import StderrOutput, under_journald
from vaultrelay.policy.printable import printable

NOON = 1780315200.75
STAMP = "2026-06-01T12:00:00Z"
PRIORITIES = {"critical": 2, "error": 3, "warn": 4, "info": 6, "debug": 7}
ALL = tuple(PRIORITIES)


def line_of(
    text: str = "text",
    level: LogLevel | None = LogLevel.info,
    journald: bool = False,
    level_set: str = "debug",
    format: str = "text",
    **values: object,
) -> str:
    """What is written for an event."""
    event = {"log_format": text, "log_level": level, "log_time": NOON, **values}
    output = StderrOutput()
    output.configure(LogSettings(level=level_set, format=format))
    return output.format(event, journald=journald)


def test_the_levels_are_the_documented_ones() -> None:
    assert list(LEVELS) == ["error", "warn", "info", "debug"]


def observer_at(level: str) -> Callable[[LogEvent], None]:
    """The observer of an output that is configured for a level."""
    output = StderrOutput()
    output.configure(LogSettings(level=level))
    return output.observer()


def events_of(namespace: str) -> list[LogEvent]:
    """One event of each level."""
    return [
        {
            "log_format": name,
            "log_level": LogLevel.lookupByName(name),
            "log_namespace": namespace,
            "log_time": NOON,
        }
        for name in ALL
    ]


@pytest.mark.parametrize("namespace", ["twisted.web.http", "autobahn", "log_legacy"])
@pytest.mark.parametrize("level", LEVELS)
def test_libraries_are_silent_below_debug_but_for_their_errors(
    capsys: pytest.CaptureFixture[str], level: str, namespace: str
) -> None:
    observe = observer_at(level)
    for event in events_of(namespace):
        observe(event)
    told = [line.split()[-1] for line in capsys.readouterr().err.splitlines()]
    assert told == (list(ALL) if level == "debug" else ["critical", "error"])


def test_an_error_of_a_library_comes_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    observe = observer_at("error")
    observe(
        {
            "log_format": "Unhandled error in {x}",
            "x": "Deferred",
            "log_level": LogLevel.critical,
            "log_namespace": "twisted.internet.defer",
            "log_failure": failure_of("sekrit"),
            "log_time": NOON,
        }
    )
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == f"{STAMP} critical Unhandled error in Deferred"
    assert rest[-1] == f"{STAMP} critical | ValueError"
    assert " in failure_of" in rest[-2]
    observer_at("debug")(
        {
            "log_format": "Unhandled",
            "log_namespace": "twisted.internet.defer",
            "log_failure": failure_of("what a peer said"),
            "log_level": LogLevel.critical,
            "log_time": NOON,
        }
    )
    assert capsys.readouterr().err.endswith("builtins.ValueError: what a peer said\n")


def test_the_journal_gets_its_prefix_when_standard_error_goes_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        monkeypatch.setattr(sys, "stderr", stream)
        observer_at("info")(events_of("vaultrelay")[1])
        stream.seek(0)
        assert stream.read() == "<3>error\n"


def test_level_and_format_may_change_while_it_logs(capsys: pytest.CaptureFixture[str]) -> None:
    output = StderrOutput()
    observe = output.observer()
    event = {
        "log_format": "It failed",
        "log_level": LogLevel.error,
        "log_namespace": "vaultrelay",
        "log_failure": failure_of("what a peer said"),
        "log_time": NOON,
    }
    library = {"log_format": "said", "log_level": LogLevel.info, "log_namespace": "twisted"}
    observe(library)
    output.configure(LogSettings(format="json"))
    observe(event)
    (line,) = capsys.readouterr().err.splitlines()
    assert set(json.loads(line)["exception"]) == {"kind", "frames"}
    output.configure(LogSettings(format="json", level="debug"))
    observe(event)
    observe(library)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["exception"]["text"] == "what a peer said"
    assert second["message"] == "said"
    output.configure(LogSettings(level="warn"))
    observe(event)
    observe(library)
    text = capsys.readouterr().err
    assert text.startswith(f"{STAMP} error It failed\n")
    assert text.endswith(" | ValueError\n")


@pytest.mark.parametrize("name", ALL)
def test_the_journal_gets_an_object_behind_the_priority_that_it_takes_off(name: str) -> None:
    line = line_of(level=LogLevel.lookupByName(name), journald=True, format="json")
    prefix, brace, rest = line.partition("{")
    assert prefix == f"<{PRIORITIES[name]}>"
    assert json.loads(brace + rest)["level"] == name
    assert line.count("\n") == 1


def test_a_line_has_time_level_and_text() -> None:
    assert line_of("{a} and {b!r}", a=1, b="two") == f"{STAMP} info  1 and 'two'\n"


@pytest.mark.parametrize("name", ALL)
def test_every_level_has_its_name_and_its_priority(name: str) -> None:
    level = LogLevel.lookupByName(name)
    assert line_of(level=level) == f"{STAMP} {name:5} text\n"
    assert line_of(level=level, journald=True) == f"<{PRIORITIES[name]}>text\n"


def test_an_event_without_a_level_is_info() -> None:
    assert line_of(level=None) == f"{STAMP} info  text\n"
    assert line_of(level=None, journald=True) == "<6>text\n"


def test_an_event_without_text_is_still_one_line() -> None:
    assert line_of("") == f"{STAMP} info  \n"


def test_an_event_that_cannot_be_formatted_says_so() -> None:
    assert "MissingFormat" not in line_of("fine")
    assert "{missing" in line_of("{missing}")


def failure_of(text: str) -> Failure:
    try:
        raise ValueError(text)
    except ValueError:
        return Failure()


@pytest.mark.parametrize(
    ("journald", "head"), [(False, f"{STAMP} error "), (True, "<3>")], ids=["terminal", "journal"]
)
def test_a_traceback_is_told_in_lines_that_are_marked(journald: bool, head: str) -> None:
    told = line_of("It failed", LogLevel.error, journald, log_failure=failure_of("boom\nfake"))
    first, *rest = told.splitlines()
    assert first == f"{head}It failed"
    assert len(rest) > 3
    assert all(line.startswith(f"{head}| ") for line in rest)
    assert rest[-2:] == [f"{head}| builtins.ValueError: boom", f"{head}| fake"]


@pytest.mark.parametrize("journald", [False, True])
@pytest.mark.parametrize(
    "separator",
    ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"],
)
def test_a_value_with_a_line_break_forges_no_line(separator: str, journald: bool) -> None:
    forged = f"{STAMP} error the disk is full"
    told = line_of("from {who}", journald=journald, who=f"me{separator}{forged}")
    head = "<6>" if journald else f"{STAMP} info  "
    assert told == f"{head}from me\n{head}| {forged}\n"


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\x1b", r"\x1b"),
        ("\x00", r"\x00"),
        ("\x07", r"\x07"),
        ("\x08", r"\x08"),
        ("\t", r"\t"),
        ("\x7f", r"\x7f"),
        ("\x9b", r"\x9b"),
        ("\xa0", r"\xa0"),
        ("\u200b", r"\u200b"),
        ("\u202e", r"\u202e"),
        ("\ufeff", r"\ufeff"),
        ("\udc80", r"\udc80"),
        ("\U000e0041", r"\U000e0041"),
        ("ü", "ü"),
        ("漢", "漢"),
        (" ", " "),
        ("\\", "\\"),
        ("'", "'"),
    ],
)
def test_what_a_terminal_would_act_on_is_escaped(character: str, shown: str) -> None:
    assert printable(f"a{character}b") == f"a{shown}b"
    assert line_of("{value}", value=f"a{character}b") == f"{STAMP} info  a{shown}b\n"


@given(st.text(), st.booleans())
def test_whatever_the_value_each_line_begins_as_ours(value: str, journald: bool) -> None:
    told = line_of("got {value}", journald=journald, value=value)
    head = "<6>" if journald else f"{STAMP} info  "
    assert told.endswith("\n")
    first, *rest = told[:-1].split("\n")
    assert first.startswith(f"{head}got")
    assert all(line.startswith(f"{head}| ") for line in rest)
    assert "".join([first, *rest]).isprintable()


class Stream(io.StringIO):
    """A stream that remembers what was in it at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[str] = []

    def flush(self) -> None:
        self.flushed.append(self.getvalue())


def test_each_event_is_written_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    observer = StderrOutput().observer()
    for number in range(2):
        observer({**events_of("vaultrelay")[1], "log_format": "{n}", "n": number})
    assert stream.flushed == [f"{STAMP} error 0\n", f"{STAMP} error 0\n{STAMP} error 1\n"]


def test_an_event_without_a_time_gets_the_present_one() -> None:
    line = StderrOutput().format({"log_format": "x", "log_level": LogLevel.info}, journald=False)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ info  x\n", line)


@pytest.mark.parametrize("given", [None, "", "1:2", "garbage"])
def test_standard_error_is_not_the_journal_unless_systemd_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None
) -> None:
    if given is None:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    else:
        monkeypatch.setenv("JOURNAL_STREAM", given)
    with (tmp_path / "file").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert not under_journald()


def test_a_standard_error_without_a_descriptor_is_not_the_journal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not under_journald()
    with (tmp_path / "file").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
    assert not under_journald()
