"""The pages: /health, /ready and /privacy.json for machines, / for people, /address for both.

All other paths are refused in JSON.
"""

import html
from collections.abc import Callable, Mapping

from twisted.web.server import Request

from vaultrelay.config.slices import PageSettings
from vaultrelay.web.health import Health, Status
from vaultrelay.web.leaf import VISITOR_HEADER, VISITOR_TOLD_HEADER, Leaf, write_json

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>VaultMesh relay</title>
<style>
body {{ font: 1.0625rem/1.55 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto 4rem;
  padding: 0 1.25rem }}
h1 {{ font-size: 1.5rem; margin: 0 0 1rem }}
code {{ display: block; font: 1.125rem/1.4 ui-monospace, monospace; padding: .75rem 1rem;
  border: 1px solid; border-radius: .5rem; overflow-wrap: anywhere; user-select: all }}
small {{ opacity: .75 }}
</style>
<h1>VaultMesh relay</h1>
<p>{state} Devices of one password vault meet here and pass each other encrypted data. The relay
cannot read it and keeps none of it.</p>
<p>To use this relay, enter this URL in the VaultMesh app on each of your devices:</p>
<p><code id="url">{url}</code></p>
{token}<p><small>{hint}</small></p>
<p><small><a href="privacy.json">What this relay sees, keeps and logs</a></small></p>
</html>
"""
_HINTS = {
    "given": "Devices must reach the relay under this name.",
    "guessed": "This is the address that your browser used. Devices elsewhere may need another.",
    "unsafe": "This is the address that your browser used, without TLS: anyone on the way sees "
    "which devices talk, though not what they say. Outside your own network use a wss:// address.",
}

_PRIVATE = """<p>It is a private relay: its operator gives you an access token. The URL with it
is</p>
<p><code>{url}</code></p>
"""


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
        self._settings = PageSettings()
        self._pages: dict[bytes, Callable[[Request], bytes]] = {
            b"/": self._front_page,
            b"/v3": self._front_page,
            b"/health": self._health.health,
            b"/ready": self._health.ready,
            b"/address": self._address,
            b"/privacy.json": self._privacy_notice,
        }

    def configure(self, settings: PageSettings) -> None:
        """Apply these settings from the next request on."""
        self._settings = settings
        self._health.node_name = settings.node_name

    def _address(self, request: Request) -> bytes:
        """Return the client address as the relay sees it, to check whether a proxy hides it."""
        is_told = request.getHeader(VISITOR_TOLD_HEADER) is not None
        fields = {"from": "proxy" if is_told else "connection"}
        return write_json(request, address=request.getHeader(VISITOR_HEADER), **fields)

    def _privacy_notice(self, request: Request) -> bytes:
        return write_json(request, **self._privacy())

    def _front_page(self, request: Request) -> bytes:
        url, hint = self._url_for(request)
        state = "This relay is about to restart." if self._status.draining else "This relay works."
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        url = html.escape(url)
        private = _PRIVATE if self._settings.asks_token else ""
        token = private.format(url=url.replace("://", "://any:TOKEN@"))
        return _PAGE.format(state=state, url=url, token=token, hint=_HINTS[hint]).encode()

    def _url_for(self, request: Request) -> tuple[str, str]:
        """Return the URL to enter in the app, and the key of its hint."""
        if self._settings.public_urls:
            return self._settings.public_urls[0], "given"
        # As bytes: for a text name Twisted decodes the value, and raises if it is not UTF-8.
        host = (request.getHeader(b"host") or b"this-host").decode("ascii", "backslashreplace")
        # Only this client sees the result, so the header need not come from a trusted proxy.
        if request.isSecure() or request.getHeader(b"x-forwarded-proto") == b"https":
            return f"wss://{host}", "guessed"
        return f"ws://{host}", "unsafe"
