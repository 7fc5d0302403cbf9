"""Leaf: answers whole paths with pages that are kept nowhere and framed by nobody."""

import json
import re
from collections.abc import Callable, Mapping

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from vaultrelay.policy.addresses import PeerAddress, UnixPeer
from vaultrelay.wire import refusal
from vaultrelay.wire import request as wire

POLICY = (
    "default-src 'none'; style-src {styles}; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""The Content-Security-Policy of a page, but for where its styles come from."""
_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY.format(styles="'none'"),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Leaf(Resource):
    """Each path has a method of its own; all others are refused in JSON.

    A method returns the body, or NOT_DONE_YET if it finishes the request later.
    """

    isLeaf = True
    _pages: Mapping[bytes, Callable[[Request], bytes | int]]

    def render(self, request: Request) -> bytes | int:
        request.responseHeaders.removeHeader(b"server")
        for name, value in _SECURITY_HEADERS.items():
            request.setHeader(name, value)
        body = self._pages.get(request.path, self.nothing_here)(request)
        return body if isinstance(body, int) else self.whole(body, request)

    def whole(self, body: bytes, request: Request) -> bytes:
        """Announce the length of a body; return it, or nothing where HEAD asks for no body."""
        request.setHeader("Content-Length", str(len(body)))
        return b"" if request.method == b"HEAD" else body

    def nothing_here(self, request: Request) -> bytes:
        """The answer for all other paths."""
        refused = self.nothing()
        request.setResponseCode(refused.status)
        request.setHeader("Content-Type", "application/json")
        return refused.body()

    def nothing(self) -> refusal.Refusal:
        """What is said of all other paths."""
        return refusal.not_found()


class QuietSite(Site):
    """Serves a Leaf without a line of Twisted's in the log."""

    noisy = False


VISITOR_HEADER = "x-visitor"
"""The visitor's address as the relay knows it; set by the relay itself, never by the visitor."""
VISITOR_TOLD_HEADER = "x-visitor-told"
"""Present where a trusted proxy told the address; set by the relay itself, too."""
_SECURE = ("https", "wss")
_FORWARDED_PROTO = re.compile(r'(?:[^,]*;)?\s*proto\s*=\s*"?([a-z]+)"?\s*(?:[;,]|$)', re.IGNORECASE)
"""The scheme in the first element of Forwarded (RFC 7239, section 5.4)."""


def page_head(
    request: wire.Request, visitor: PeerAddress | None = None, is_told: bool = False
) -> bytes:
    """A page request in a form that twisted.web can read in one way only, and who sent it.

    Of the visitor's own headers none gets through but those that are named here.
    """
    lines = [f"{request.method} {request.path} HTTP/1.1", "Connection: close"]
    if visitor is not None and not isinstance(visitor, UnixPeer):
        lines.append(f"{VISITOR_HEADER}: {visitor}")
    if is_told:
        lines.append(f"{VISITOR_TOLD_HEADER}: 1")
    host = request.header("host")
    if host is not None:
        lines.append(f"host: {host}")
    if _came_by_tls(request):
        lines.append("x-forwarded-proto: https")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _came_by_tls(request: wire.Request) -> bool:
    """Whether proxies say that the visitor came by TLS: the first in a row heard the visitor.

    Anybody can say so. It only decides what that visitor is shown.
    """
    schemes = request.elements("x-forwarded-proto")
    if not schemes:
        found = _FORWARDED_PROTO.match(request.header("forwarded") or "")
        schemes = [found[1]] if found else []
    return bool(schemes) and schemes[0].lower() in _SECURE


def write_json(request: Request, **fields: object) -> bytes:
    """Return fields as the JSON of an answer."""
    request.setHeader("Content-Type", "application/json")
    return json.dumps(fields, separators=(",", ":")).encode("ascii")
