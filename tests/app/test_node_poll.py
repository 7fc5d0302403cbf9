"""NodePoll: at most one thread for each other relay, and never for long."""

from collections.abc import Callable
from queue import Queue
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.cluster.servers import page, serving
from tests.cluster.statuses import status
from vaultrelay.app import node_poll
from vaultrelay.app.node_poll import NodePoll
from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.policy.limits.admin import NODE_SECONDS

ONE, TWO = NodeUrl.read("http://10.0.0.1:9090"), NodeUrl.read("http://10.0.0.2:9090")


class Reactor(Clock):
    """Time, and calls from threads."""

    def callFromThread(self, call: Callable[..., object], *arguments: object) -> None:
        call(*arguments)


class Scene:
    """What is asked, and threads that run when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[Callable[[], None]] = []
        self.asked: list[NodeUrl] = []
        self.clock = Reactor()
        self.poll = NodePoll(self.clock, self.threads.append)
        monkeypatch.setattr(node_poll, "request_status", self._answer)

    def ask(self, *urls: NodeUrl) -> "tuple[list[Any], Deferred[list[NodeAnswer]]]":
        """Where the outcome will be, and the question."""
        found: list[Any] = []
        question = self.poll.request(urls)
        question.addBoth(found.append)
        return found, question

    def run(self) -> None:
        while self.threads:
            self.threads.pop(0)()

    def _answer(self, url: NodeUrl, seconds: float) -> NodeAnswer:
        assert seconds == NODE_SECONDS
        self.asked.append(url)
        return NodeAnswer(url, status())


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_all_are_asked_at_once_and_told_in_order(scene: Scene) -> None:
    found, _ = scene.ask(ONE, TWO)
    assert len(scene.threads) == 2
    scene.threads.pop()()
    assert found == []
    scene.run()
    assert found == [[NodeAnswer(ONE, status()), NodeAnswer(TWO, status())]]
    assert scene.clock.getDelayedCalls() == []


def test_who_is_late_is_not_waited_for(scene: Scene) -> None:
    found, _ = scene.ask(ONE, TWO)
    scene.threads.pop(0)()
    scene.clock.advance(NODE_SECONDS)
    assert found == [[NodeAnswer(ONE, status()), late(TWO, NODE_SECONDS)]]
    scene.run()
    assert len(found) == 1


def test_who_is_late_is_not_asked_again_before_that_is_over(scene: Scene) -> None:
    for _ in range(3):
        found, _ = scene.ask(ONE)
        scene.clock.advance(NODE_SECONDS)
        assert found == [[late(ONE, NODE_SECONDS)]]
    assert len(scene.threads) == 1
    found, _ = scene.ask(ONE)
    scene.run()
    assert found == [[NodeAnswer(ONE, status())]], "what comes late is an answer all the same"
    scene.ask(ONE)
    scene.run()
    assert scene.asked == [ONE, ONE]


def test_two_who_ask_at_once_share_the_answer(scene: Scene) -> None:
    first, second = scene.ask(ONE)[0], scene.ask(ONE)[0]
    scene.run()
    assert first == second == [[NodeAnswer(ONE, status())]]
    assert scene.asked == [ONE]


def test_who_asked_may_leave(scene: Scene) -> None:
    found, question = scene.ask(ONE)
    question.cancel()
    assert len(found) == 1
    assert scene.clock.getDelayedCalls() == []
    scene.run()
    assert len(found) == 1
    assert found[0].check(CancelledError)


def test_a_thread_asks_a_real_server() -> None:
    calls: Queue[tuple[Any, ...]] = Queue()
    clock: Any = Clock()
    clock.callFromThread = lambda *call: calls.put(call)
    with serving(page(status())) as (text, _):
        url = NodeUrl.read(text)
        found: list[Any] = []
        NodePoll(clock).request([url]).addBoth(found.append)
        call, answer = calls.get(timeout=10)
        call(answer)
    assert found == [[NodeAnswer(url, status())]]
