"""RelayLog: which events pass at which level, and what else is configured along with it."""

from typing import Any

import pytest
from twisted.logger import LogEvent

from tests.recorded_log import RecordedLog
from vaultrelay.logs import LEVELS, LogSettings, RelayLog
from vaultrelay.logs.stderr import StderrOutput
from vaultrelay.policy.limits.logs import LOG_LINES_OF_A_KIND

WRITTEN = ("failure", "error", "warn", "info", "debug")


def log_all(log: RelayLog) -> None:
    """An event by each method."""
    for name in WRITTEN[1:]:
        getattr(log, name)("{what} happened", what=name)
    try:
        raise ValueError
    except ValueError:
        log.failure("{what} happened", what="failure")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("error", {"failure", "error"}),
        ("warn", {"failure", "error", "warn"}),
        ("info", {"failure", "error", "warn", "info"}),
        ("debug", set(WRITTEN)),
    ],
)
def test_a_level_passes_with_all_that_is_worse(
    logged_errors: list[LogEvent], level: str, expected: set[str]
) -> None:
    log = RecordedLog()
    log.configure(LogSettings(level=level))
    log_all(log)
    assert {event["what"] for event in log.events} == expected
    assert {event["log_namespace"] for event in log.events} == {"vaultrelay"}
    logged_errors.clear()


def test_each_method_is_a_level_and_a_failure_has_its_exception(
    logged_errors: list[LogEvent],
) -> None:
    log = RecordedLog()
    log.configure(LogSettings(level="debug"))
    log_all(log)
    levels = {event["what"]: event["log_level"].name for event in log.events}
    assert levels == {name: name for name in WRITTEN[1:]} | {"failure": "critical"}
    assert log.events[-1]["log_failure"].type is ValueError
    logged_errors.clear()


def test_info_is_the_level_until_it_is_configured() -> None:
    log = RecordedLog()
    log.debug("left out")
    log.info("logged")
    assert log.lines == ["logged"]


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_known_which_levels_are_enabled(level: str) -> None:
    log = RecordedLog()
    log.configure(LogSettings(level=level))
    enabled = [name for name in LEVELS if log.is_enabled(name)]
    assert enabled == list(LEVELS)[: list(LEVELS).index(level) + 1]


def test_naming_and_output_are_configured_too_and_may_change() -> None:
    output = StderrOutput()
    log = RecordedLog(output)
    for settings in (LogSettings(addresses="none", format="json"), LogSettings()):
        log.configure(settings)
        assert (log.names.way, output.settings) == (settings.addresses, settings)


def test_the_format_applies_once_its_observer_is_made() -> None:
    output = StderrOutput()
    log = RecordedLog(output)
    assert not log.format_applies
    output.observer()
    assert log.format_applies


def test_lines_of_a_kind_are_limited_and_those_beyond_are_counted() -> None:
    log = RecordedLog()
    for number in range(LOG_LINES_OF_A_KIND + 3):
        log.info("{number} came", number=number)
        log.debug("this is not logged anyway")
    assert len(log.events) == LOG_LINES_OF_A_KIND
    assert log.take_suppressed() == [("others", 3)]
    assert log.take_suppressed() == []


def test_two_logs_share_nothing() -> None:
    first, second = RecordedLog(), RecordedLog()
    first.configure(LogSettings(level="error", addresses="none"))
    second.info("still logged")
    assert (second.lines, first.events) == (["still logged"], [])
    assert second.names.way == "pseudonym"


def test_settings_cannot_change() -> None:
    settings: Any = LogSettings()
    with pytest.raises(AttributeError):
        settings.level = "debug"
