"""The log's limit: many lines of a kind are counted instead of written."""

from typing import Any

import pytest
from twisted.logger import LogEvent, LogLevel

from vaultrelay.logs.rate_limit import LineLimit
from vaultrelay.policy.limits.logs import LOG_KINDS, LOG_LINES_OF_A_KIND, SUMMARY_SECONDS


class Scene:
    """A limit, what passes it, and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.passed: list[LogEvent] = []
        observer: Any = self.passed.append
        self.limit = LineLimit(observer, lambda: self.now)

    def say(self, words: str, times: int = 1, level: LogLevel = LogLevel.info) -> None:
        for _ in range(times):
            self.limit({"log_format": words, "log_level": level})


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_lines_of_a_kind_pass_until_they_are_too_many(scene: Scene) -> None:
    scene.say("Session ended: {why}", LOG_LINES_OF_A_KIND + 7)
    assert len(scene.passed) == LOG_LINES_OF_A_KIND
    assert scene.limit.take_suppressed() == [("Session ended", 7)]


def test_what_was_suppressed_is_taken_once(scene: Scene) -> None:
    scene.say("a", LOG_LINES_OF_A_KIND + 1)
    assert scene.limit.take_suppressed()
    assert scene.limit.take_suppressed() == []


def test_other_kinds_have_a_share_of_their_own(scene: Scene) -> None:
    scene.say("a", LOG_LINES_OF_A_KIND + 1)
    scene.say("b")
    scene.say("a", level=LogLevel.error)
    assert len(scene.passed) == LOG_LINES_OF_A_KIND + 2


def test_a_minute_later_lines_pass_again(scene: Scene) -> None:
    scene.say("a", LOG_LINES_OF_A_KIND + 1)
    scene.now += SUMMARY_SECONDS
    scene.say("a")
    assert len(scene.passed) == LOG_LINES_OF_A_KIND + 1


def test_words_that_always_differ_are_one_kind_in_the_end(scene: Scene) -> None:
    """A library that puts what a peer said into its words can neither fill memory nor the log."""
    for number in range(10 * LOG_KINDS):
        scene.say(f"words of a peer {number}")
    assert len(scene.passed) == LOG_KINDS + LOG_LINES_OF_A_KIND
    assert scene.limit.take_suppressed() == [("others", 9 * LOG_KINDS - LOG_LINES_OF_A_KIND)]
