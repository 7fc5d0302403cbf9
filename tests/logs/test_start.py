"""Where logging starts: `vault-relay` by itself, and twistd by the name of an observer."""

import json
import re
from typing import Any

import pytest
from twisted.application.app import AppLogger
from twisted.application.service import MultiService
from twisted.logger import globalLogBeginner, globalLogPublisher
from twisted.python.reflect import namedAny

from vaultrelay.logs import LogSettings, log_to_stderr, log_under_twistd, start
from vaultrelay.logs.stderr import StderrOutput


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The observers that logging was begun with; they observe until the end of the test."""
    found: list[Any] = []

    def begin(observers: list[Any], redirectStandardIO: bool = True) -> None:
        found.append(redirectStandardIO)
        for observer in observers:
            found.append(observer)
            globalLogPublisher.addObserver(observer)

    monkeypatch.setattr(globalLogBeginner, "beginLoggingTo", begin)
    # The process's own: each test has its own process, as it were.
    monkeypatch.setattr(start, "_TWISTD_OUTPUT", StderrOutput())
    yield found
    for observer in found[1:]:
        globalLogPublisher.removeObserver(observer)


def test_what_is_logged_reaches_standard_error_from_the_level_on(
    begun: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    log = log_to_stderr(LogSettings(level="warn"))
    assert begun[0] is False, "what is printed is no log line"
    log.info("not this")
    log.warn("{count} of this", count=1)
    line = capsys.readouterr().err
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ warn  1 of this\n", line)


def test_it_starts_in_the_configured_format(capsys: pytest.CaptureFixture[str]) -> None:
    log = log_to_stderr(LogSettings(format="json"))
    assert log.format_applies
    log.info("hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"


@pytest.mark.parametrize("is_configured_first", [False, True])
def test_twistd_s_observer_has_the_style_of_its_service(
    capsys: pytest.CaptureFixture[str], is_configured_first: bool
) -> None:
    """Whether the service is configured before or after, and when options are read again."""
    log = log_under_twistd()
    assert not log.format_applies
    if is_configured_first:
        log.configure(LogSettings(format="json"))
    logger = AppLogger({"logger": namedAny("vaultrelay.logs.stderr_observer")})
    logger.start(MultiService())
    assert log.format_applies
    if not is_configured_first:
        log.configure(LogSettings(format="json"))
    log.info("hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"
    log.configure(LogSettings())
    log.info("hello again")
    assert capsys.readouterr().err.endswith("Z info  hello again\n")


def test_the_log_of_vault_relay_is_no_business_of_twistd_s(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr(LogSettings(format="json"))
    assert not log_under_twistd().format_applies
