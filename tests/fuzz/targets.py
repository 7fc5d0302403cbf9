"""The targets by name, each with its corpus, and a look at the log around each case."""

from collections.abc import Callable
from pathlib import Path

from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from tests.fuzz.control_target import control
from tests.fuzz.data_target import data_header
from tests.fuzz.frames_target import frames
from tests.fuzz.head_target import head
from tests.fuzz.oracle import check
from tests.fuzz.proxy_line_target import proxy_line
from tests.fuzz.twins_target import twins

Target = Callable[[bytes], None]

CORPUS = Path(__file__).parent / "corpus"
TARGETS: dict[str, Target] = {
    "head": head,
    "control": control,
    "frames": frames,
    "data_header": data_header,
    "proxy_line": proxy_line,
    "twins": twins,
}


def with_an_eye_on_the_log(target: Target) -> Target:
    """The target; a case that logs an error is a breach."""
    logged: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            logged.append(event)

    globalLogPublisher.addObserver(observe)

    def watched(data: bytes) -> None:
        logged.clear()
        target(data)
        check(not logged, f"logged: {[str(event.get('log_failure')) for event in logged]}")

    return watched
