"""PeriodicTask: the interval, the first call, and what a mistake does."""

from twisted.internet.task import Clock
from twisted.logger import LogEvent

from tests.recorded_log import RecordedLog
from vaultrelay.transport.periodic import PeriodicTask


class Work:
    def __init__(self) -> None:
        self.clock = Clock()
        self.calls: list[float] = []
        self.fails = False
        self.task = PeriodicTask(self.work, self.clock, "It went wrong", log=RecordedLog())

    def work(self) -> None:
        self.calls.append(self.clock.seconds())
        if self.fails:
            raise RuntimeError

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)


def test_it_calls_at_each_interval() -> None:
    work = Work()
    work.task.start(2)
    work.wait(5)
    assert work.calls == [2, 4]
    work.task.stop()
    work.wait(5)
    assert work.calls == [2, 4]
    assert work.clock.getDelayedCalls() == []


def test_it_may_begin_now_and_go_on_at_another_interval() -> None:
    work = Work()
    work.task.start(3, now=True)
    work.wait(3)
    work.task.start(1)
    work.wait(2)
    assert work.calls == [0, 3, 4, 5]


def test_stopping_what_does_not_run_is_nothing() -> None:
    work = Work()
    work.task.stop()
    work.task.stop()
    assert work.calls == []


def test_a_mistake_is_logged_and_not_the_end(logged_errors: list[LogEvent]) -> None:
    work = Work()
    work.fails = True
    work.task.start(1)
    work.wait(2)
    assert work.calls == [1, 2]
    assert [event["log_format"] for event in logged_errors] == ["It went wrong"] * 2
    logged_errors.clear()
