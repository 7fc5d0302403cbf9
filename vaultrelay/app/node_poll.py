"""NodePoll: requests the status of the other relays in threads, so the reactor never blocks."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from twisted.internet.defer import Deferred, FirstError, gatherResults

from vaultrelay.app.daemon_thread import start_thread
from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.status_request import request_status
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.policy.limits.admin import NODE_SECONDS


class NodePoll:
    """Requests each status in its own thread, and sends no second request before the first ends."""

    def __init__(
        self, reactor: Any, start: Callable[[Callable[[], None]], None] = start_thread
    ) -> None:
        self._reactor = reactor
        self._start = start
        self._waiting: dict[NodeUrl, set[Deferred[NodeAnswer]]] = {}

    def request(self, urls: Sequence[NodeUrl]) -> Deferred[list[NodeAnswer]]:
        """Fire with an answer of each relay, after NODE_SECONDS at most."""
        answers = gatherResults([self._request(url) for url in urls], consumeErrors=True)
        # A caller that cancels expects CancelledError, which is within the FirstError.
        return answers.addErrback(lambda failure: cast("FirstError", failure.value).subFailure)

    def _request(self, url: NodeUrl) -> Deferred[NodeAnswer]:
        waiting = self._waiting.get(url, set())
        answer: Deferred[NodeAnswer] = Deferred(waiting.discard)
        waiting.add(answer)
        if url not in self._waiting:
            self._waiting[url] = waiting
            self._start(lambda: self._work(url))
        return answer.addTimeout(NODE_SECONDS, self._reactor, lambda *_: late(url, NODE_SECONDS))

    def _work(self, url: NodeUrl) -> None:
        """Request the status, in the thread."""
        answer = late(url, NODE_SECONDS)
        try:
            answer = request_status(url, NODE_SECONDS)
        finally:
            # After any error, the next request must be possible.
            self._reactor.callFromThread(self._answered, answer)

    def _answered(self, answer: NodeAnswer) -> None:
        for waiting in self._waiting.pop(answer.url):
            waiting.callback(answer)
