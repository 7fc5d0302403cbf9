"""PageResource: answers complete paths with pages that cannot be cached or framed."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from vaultrelay.policy.addresses import PeerAddress, UnixPeer
from vaultrelay.wire import refusal
from vaultrelay.wire import request as wire

POLICY = (
    "default-src 'none'; style-src {styles}; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""The Content-Security-Policy of a page, without the sources of its styles."""
_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY.format(styles="'none'"),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageResource(Resource):
    """Serves each path with its own method, and refuses all others in JSON.

    A method returns the body as bytes, or a Deferred of it.
    """

    isLeaf = True
    _pages: Mapping[bytes, Callable[[Request], Any]]
    _not_found = refusal.not_found()

    def render(self, request: Request) -> int:
        request.responseHeaders.removeHeader(b"server")
        for name, value in _SECURITY_HEADERS.items():
            request.setHeader(name, value)
        body: Deferred[bytes] = maybeDeferred(self._pages.get(request.path, self._refuse), request)
        # Make no page for a client that is gone.
        request.notifyFinish().addErrback(lambda _: body.cancel())
        body.addCallback(_finish, request).addErrback(_give_up, request)
        return NOT_DONE_YET

    def _refuse(self, request: Request) -> bytes:
        request.setResponseCode(self._not_found.status)
        request.setHeader("Content-Type", "application/json")
        return self._not_found.body()


class QuietSite(Site):
    """Serves a PageResource without log lines of Twisted."""

    noisy = False


def write_html(request: Request, policy: str, page: Deferred[bytes]) -> Deferred[bytes]:
    """Return a page as the body, and set its type and policy."""
    request.setHeader("Content-Type", "text/html; charset=utf-8")
    request.setHeader("Content-Security-Policy", policy)
    return page


def write_json(request: Request, **fields: object) -> bytes:
    """Return fields as a JSON body, and set its type."""
    request.setHeader("Content-Type", "application/json")
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _finish(body: bytes, request: Request) -> None:
    request.setHeader("Content-Length", str(len(body)))
    request.write(b"" if request.method == b"HEAD" else body)
    request.finish()


def _give_up(failure: Failure, request: Request) -> None:
    if not failure.check(CancelledError):
        # Logs the failure, and answers with 500.
        request.processingFailed(failure)


CLIENT_HEADER = "x-client-address"
"""The client's address as the relay sees it; set by the relay itself, never by the client."""
FORWARDED_HEADER = "x-client-forwarded"
"""Present if a trusted proxy reported the address; set by the relay itself, too."""
_SECURE = ("https", "wss")
_FORWARDED_PROTO = re.compile(
    r'\A(?:[^,]*;)?\s*proto\s*=\s*"?([a-z]+)"?\s*(?:[;,]|$)', re.IGNORECASE
)
"""The scheme in the first element of Forwarded (RFC 7239, section 5.4)."""


def page_head(
    request: wire.Request, client: PeerAddress | None = None, is_forwarded: bool = False
) -> bytes:
    """Return a page request in a form that twisted.web cannot misread, with the client's address.

    Of the client's own headers, only those named here are passed on.
    """
    headers = {
        "Connection": "close",
        CLIENT_HEADER: None if isinstance(client, UnixPeer) else client,
        FORWARDED_HEADER: 1 if is_forwarded else None,
        "host": request.header("host"),
        "x-forwarded-proto": "https" if _came_by_tls(request) else None,
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    head = [f"{request.method} {request.path} HTTP/1.1", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")


def _came_by_tls(request: wire.Request) -> bool:
    """Return whether proxies report that the client uses TLS; the first one has its connection.

    Any client can send the header. It only affects the page for that client.
    """
    forwarded = _FORWARDED_PROTO.findall(request.header("forwarded") or "")
    schemes = request.elements("x-forwarded-proto") or forwarded
    return bool(schemes) and schemes[0].lower() in _SECURE
