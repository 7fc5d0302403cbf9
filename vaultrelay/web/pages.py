"""The pages: /health, /ready and /privacy.json for machines, / and /privacy for people, /address
for both.

All other paths are refused in JSON.
"""

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from vaultrelay.broker.broker import Broker
from vaultrelay.web.page_resource import (
    CLIENT_HEADER,
    FORWARDED_HEADER,
    PageResource,
    write_html,
    write_json,
)

HEALTH_PATHS = frozenset({"/health", "/ready"})
"""The paths for load balancers, which are not devices."""

Privacy = Callable[[], Mapping[str, object]]
"""Returns the privacy notice for the current settings."""


class Pages(PageResource):
    """Serves all paths of the public port that are not a WebSocket."""

    def __init__(
        self, broker: Broker, *, version: str, privacy: Privacy = dict[str, object]
    ) -> None:
        super().__init__()
        self._broker = broker
        self._version = version
        self._privacy = privacy
        self.configure()
        self._pages = {
            b"/": self._front_page,
            b"/v3": self._front_page,
            b"/health": self._health,
            b"/ready": self._ready,
            b"/address": self._address,
            b"/privacy": self._privacy_page,
            b"/privacy.json": lambda request: write_json(request, **self._privacy()),
        }

    def configure(
        self, *, public_urls: Sequence[str] = (), asks_token: bool = False, node_name: str = ""
    ) -> None:
        """Apply these settings from the next request on. `asks_token`: devices need a token."""
        self._public_urls = public_urls
        self._asks_token = asks_token
        self._node_name = node_name

    def _health(self, request: Request) -> bytes:
        """Answer with 200 as long as the relay runs; with the node's name if it has one."""
        name = self._node_name
        return write_json(
            request,
            status=self._state,
            version=self._version,
            connections=self._broker.joined,
            uptime_seconds=self._broker.uptime_seconds,
            **({"node": name} if name else {}),
        )

    def _ready(self, request: Request) -> bytes:
        """Answer with 503 while the relay drains."""
        if self._broker.draining:
            request.setResponseCode(503)
        return write_json(request, status=self._state)

    @property
    def _state(self) -> str:
        return "draining" if self._broker.draining else "ok"

    def _address(self, request: Request) -> bytes:
        """Return the client address as the relay sees it, to check whether a proxy hides it."""
        is_forwarded = request.getHeader(FORWARDED_HEADER) is not None
        fields = {"from": "proxy" if is_forwarded else "connection"}
        return write_json(request, address=request.getHeader(CLIENT_HEADER), **fields)

    def _privacy_page(self, request: Request) -> Deferred[bytes]:
        from vaultrelay.web.privacy_page import PAGE, privacy_page

        return write_html(request, PAGE.policy, privacy_page(self._privacy()))

    def _front_page(self, request: Request) -> Deferred[bytes]:
        # Imported at the first request, as the others, to save memory at the start.
        from vaultrelay.web.front_page import PAGE, front_page, qr_figure

        url, hint = self._url_for(request)
        page = front_page(
            url,
            hint,
            # Not of what a browser dialled, which is often no address for a phone.
            qr_figure(url) if hint == "given" else "",
            draining=self._broker.draining,
            asks_token=self._asks_token,
        )
        return write_html(request, PAGE.policy, page)

    def _url_for(self, request: Request) -> tuple[str, str]:
        """Return the URL to enter in the app, and the key of its hint."""
        if self._public_urls:
            return self._public_urls[0], "given"
        # As bytes: for a text name Twisted decodes the value, and raises if it is not UTF-8.
        host = (request.getHeader(b"host") or b"this-host").decode("ascii", "backslashreplace")
        # Only this client sees the result, so the header need not come from a trusted proxy.
        if request.isSecure() or request.getHeader(b"x-forwarded-proto") == b"https":
            return f"wss://{host}", "guessed"
        return f"ws://{host}", "unsafe"
