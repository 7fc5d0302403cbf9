"""The pages of the admin endpoint: status for people and programs, /metrics for Prometheus."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.observe.relay_snapshot import RelaySnapshot
from vaultrelay.web.metrics import METRICS
from vaultrelay.web.metrics_format import CONTENT_TYPE, exposition
from vaultrelay.web.page_resource import PageResource, write_html
from vaultrelay.wire.refusal import Refusal


class Source(Protocol):
    """The source of the data on the pages."""

    def metrics(self) -> RelaySnapshot:
        """Return the current metrics."""

    def curves(self) -> Mapping[str, Sequence[float]]:
        """Return the samples of the last hour by curve, the oldest first."""

    def options(self) -> Mapping[str, object]:
        """Return the options in force, for display."""

    def others(self) -> Deferred[list[NodeAnswer]]:
        """Ask the other relays for their status; an empty list if there are no others."""


class AdminPages(PageResource):
    """Serves all paths of the admin endpoint."""

    _not_found = Refusal(
        404,
        "not_found",
        "There is nothing at this path. The status page is /, or try /options, /status.json or "
        "/metrics.",
    )

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._pages = {
            b"/": self._status,
            b"/options": self._options,
            b"/status.json": self._status_json,
            b"/metrics": self._metrics,
        }

    def _status(self, request: Request) -> Deferred[bytes]:
        # Imported at the first request: a relay that only Prometheus reads does not need it.
        from vaultrelay.web.status_page import PAGE, status_page

        page = self._source.others().addCallback(
            lambda others: status_page(
                self._source.metrics(), self._source.curves(), self._source.options(), others
            )
        )
        return write_html(request, PAGE.policy, page)

    def _options(self, request: Request) -> Deferred[bytes]:
        from vaultrelay.web.status_page import PAGE, options_page

        page = options_page(self._source.metrics().status.node, self._source.options())
        return write_html(request, PAGE.policy, page)

    def _status_json(self, request: Request) -> bytes:
        request.setHeader("Content-Type", "application/json")
        return self._source.metrics().status.encode()

    def _metrics(self, request: Request) -> bytes:
        request.setHeader("Content-Type", CONTENT_TYPE)
        snapshot = self._source.metrics()
        if snapshot.mailbox is None:
            return exposition(METRICS, snapshot)
        from vaultrelay.web.mailbox_metrics import MAILBOX_METRICS

        return exposition((*METRICS, *MAILBOX_METRICS), snapshot)
