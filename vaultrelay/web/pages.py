"""The pages: /health, /ready and /privacy.json for machines, / and /privacy for people, /address
for both.

All other paths are refused in JSON.
"""

from collections.abc import Callable, Mapping, Sequence

from twisted.web.server import Request

from vaultrelay.web.page_resource import CLIENT_HEADER, FORWARDED_HEADER, Leaf, write_json
from vaultrelay.web.pages import Health, Status

Privacy = Callable[[], Mapping[str, object]]
"""Returns the privacy notice for the current settings."""


class Pages(Leaf):
    """Serves all paths of the public port that are not a WebSocket."""

    def __init__(
        self, status: Status, *, version: str, privacy: Privacy = dict[str, object]
    ) -> None:
        super().__init__()
        self._status = status
        self._health = Health(status, version)
        self._privacy = privacy
        self._code: str | None = None
        self.configure()
        self._pages: dict[bytes, Callable[[Request], bytes]] = {
            b"/": self._front_page,
            b"/v3": self._front_page,
            b"/health": self._health.health,
            b"/ready": self._health.ready,
            b"/address": self._address,
            b"/privacy": self._privacy_page,
            b"/privacy.json": self._privacy_notice,
        }

    def configure(
        self, *, public_urls: Sequence[str] = (), asks_token: bool = False, node_name: str = ""
    ) -> None:
        """Apply these settings from the next request on. `asks_token`: devices need a token."""
        self._public_urls = public_urls
        self._asks_token = asks_token
        self._code = None
        self._health.node_name = node_name

    def _address(self, request: Request) -> bytes:
        """Return the client address as the relay sees it, to check whether a proxy hides it."""
        is_told = request.getHeader(FORWARDED_HEADER) is not None
        fields = {"from": "proxy" if is_told else "connection"}
        return write_json(request, address=request.getHeader(CLIENT_HEADER), **fields)

    def _privacy_notice(self, request: Request) -> bytes:
        return write_json(request, **self._privacy())

    def _privacy_page(self, request: Request) -> bytes:
        from vaultrelay.web.privacy_page import privacy_page
        from vaultrelay.web.public_page import PAGE_POLICY

        self._set_html(request, PAGE_POLICY)
        return privacy_page(self._privacy())

    def _front_page(self, request: Request) -> bytes:
        # Imported at the first request, as the others, to save memory at the start.
        from vaultrelay.web.front_page import FRONT_POLICY, front_page

        self._set_html(request, FRONT_POLICY)
        url, hint = self._url_for(request)
        return front_page(
            url,
            hint,
            self._qr_code(url) if hint == "given" else "",
            draining=self._status.draining,
            asks_token=self._asks_token,
        )

    def _qr_code(self, url: str) -> str:
        """Return the code of the operator's URL, made once.

        Making one takes milliseconds, which a client must not cause again and again by a Host
        header of its own; and what a browser dialled is often no address for a phone.
        """
        if self._code is None:
            from vaultrelay.web.front_page import qr_figure

            self._code = qr_figure(url)
        return self._code

    def _set_html(self, request: Request, policy: str) -> None:
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        request.setHeader("Content-Security-Policy", policy)

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
