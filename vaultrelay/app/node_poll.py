"""NodePoll: asks the other relays for their status, in threads, so the reactor never waits."""

from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.ask import ask
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.policy.limits import NODE_SECONDS


def _in_thread(work: Callable[[], None]) -> None:
    # A thread of Twisted's would keep the process from ending while a name is looked up.
    Thread(target=work, daemon=True).start()


class NodePoll:
    """Asks each relay in a thread of its own, and none again before the last question is over."""

    def __init__(
        self, reactor: Any, start: Callable[[Callable[[], None]], None] = _in_thread
    ) -> None:
        self._reactor = reactor
        self._start = start
        self._waiting: dict[NodeUrl, set[Deferred[NodeAnswer]]] = {}

    def ask(self, urls: Sequence[NodeUrl]) -> Deferred[list[NodeAnswer]]:
        """Fires with an answer of each, in NODE_SECONDS at most."""
        asked = gatherResults([self._ask(url) for url in urls], consumeErrors=True)
        return asked.addErrback(_own)

    def _ask(self, url: NodeUrl) -> Deferred[NodeAnswer]:
        waiting = self._waiting.get(url, set())
        asked: Deferred[NodeAnswer] = Deferred(waiting.discard)
        waiting.add(asked)
        if url not in self._waiting:
            self._waiting[url] = waiting
            self._start(lambda: self._work(url))
        return asked.addTimeout(NODE_SECONDS, self._reactor, lambda *_: late(url, NODE_SECONDS))

    def _work(self, url: NodeUrl) -> None:
        """In the thread."""
        answer = late(url, NODE_SECONDS)
        try:
            answer = ask(url, NODE_SECONDS)
        finally:
            # Whatever went wrong, it may be asked again.
            self._reactor.callFromThread(self._answered, answer)

    def _answered(self, answer: NodeAnswer) -> None:
        for asked in self._waiting.pop(answer.url):
            asked.callback(answer)


def _own(failure: Failure) -> Failure:
    """Of one of several: that one's own. Whoever cancels all shall hear just that."""
    error: Any = failure.value
    own: Failure = error.subFailure
    return own
