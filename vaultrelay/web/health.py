"""Health: the pages /health and /ready, for load balancers and monitoring."""

from typing import Protocol

from twisted.web.server import Request

from vaultrelay.web.page_resource import write_json

HEALTH_PATHS = frozenset({"/health", "/ready"})
"""The paths for load balancers, which are not devices."""


class Status(Protocol):
    """The state of the relay, as the pages show it."""

    @property
    def draining(self) -> bool: ...

    @property
    def joined(self) -> int: ...

    @property
    def uptime_seconds(self) -> int: ...


class Health:
    """The two pages. `node_name` is shown if there is one."""

    def __init__(self, status: Status, version: str) -> None:
        self._status = status
        self._version = version
        self.node_name = ""

    def health(self, request: Request) -> bytes:
        """Answer with 200 as long as the relay runs."""
        return write_json(
            request,
            status=self._word,
            version=self._version,
            connections=self._status.joined,
            uptime_seconds=self._status.uptime_seconds,
            **({"node": self.node_name} if self.node_name else {}),
        )

    def ready(self, request: Request) -> bytes:
        """Answer with 503 while the relay drains."""
        if self._status.draining:
            request.setResponseCode(503)
        return write_json(request, status=self._word)

    @property
    def _word(self) -> str:
        return "draining" if self._status.draining else "ok"
