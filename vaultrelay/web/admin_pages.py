"""The pages of the admin endpoint: status for people and programs, /metrics for Prometheus."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.logs import RelayLog
from vaultrelay.observe.relay_metrics import RelayMetrics
from vaultrelay.web.metrics import CONTENT_TYPE, exposition
from vaultrelay.web.page_resource import POLICY, Leaf
from vaultrelay.web.status_json import status_of
from vaultrelay.web.status_page import status_page
from vaultrelay.web.status_style import STYLE_HASH
from vaultrelay.wire.refusal import Refusal

_POLICY = POLICY.format(styles=f"'{STYLE_HASH}'") + "; img-src data:"
"""Allows one style sheet, by its hash, and the icon, which is inline."""


class Source(Protocol):
    """The source of the figures on the pages."""

    def figures(self) -> RelayMetrics:
        """Return the current figures."""

    def curves(self) -> Mapping[str, Sequence[float]]:
        """Return the samples of the last hour by curve, the oldest first."""

    def options(self) -> Mapping[str, object]:
        """Return the options in force, for display."""

    def others(self) -> Deferred[list[NodeAnswer]] | None:
        """Ask the other relays for their status; None if there are no others."""


class AdminPages(Leaf):
    """Serves all paths of the admin endpoint."""

    def __init__(self, source: Source, *, log: RelayLog) -> None:
        super().__init__()
        self._log = log
        self._source = source
        self._pages = {
            b"/": self._status,
            b"/status.json": self._status_json,
            b"/metrics": self._metrics,
        }

    def nothing(self) -> Refusal:
        return Refusal(
            404,
            "not_found",
            "There is nothing at this path. The status page is /, or try /status.json or /metrics.",
        )

    def _status(self, request: Request) -> bytes | int:
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        request.setHeader("Content-Security-Policy", _POLICY)
        others = self._source.others()
        if others is None:
            return self._status_page()
        # Make no page for a client that is gone.
        request.notifyFinish().addErrback(lambda _: others.cancel())
        page = others.addCallback(self._status_page)
        page.addCallback(self._finish, request).addErrback(self._give_up, request)
        return NOT_DONE_YET

    def _status_page(self, others: Sequence[NodeAnswer] = ()) -> bytes:
        source = self._source
        return status_page(source.figures(), source.curves(), source.options(), others).encode()

    def _finish(self, page: bytes, request: Request) -> None:
        request.write(self.whole(page, request))
        request.finish()

    def _give_up(self, failure: Failure, request: Request) -> None:
        if not failure.check(CancelledError):
            self._log.failure("A page could not be made", failure)
            request.loseConnection()

    def _status_json(self, request: Request) -> bytes:
        request.setHeader("Content-Type", "application/json")
        return status_of(self._source.figures(), self._source.curves()).encode()

    def _metrics(self, request: Request) -> bytes:
        request.setHeader("Content-Type", CONTENT_TYPE)
        return exposition(self._source.figures())
