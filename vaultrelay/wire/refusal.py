"""Refusals: HTTP answers that end a connection before it becomes a WebSocket."""

import json

_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    421: "Misdirected Request",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class Refusal(Exception):
    """An HTTP answer that ends the connection: status, slug and a sentence for people.

    The body is ``{"error": slug, ..., "detail": sentence}``. It repeats nothing of the request.
    `counted` is the slug under which the relay counts it, if operators need finer causes than
    clients.
    """

    def __init__(
        self,
        status: int,
        error: str,
        detail: str,
        headers: tuple[tuple[str, str], ...] = (),
        counted: str = "",
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail
        self.headers = headers
        self.counted = counted or error
        self._more = more

    def body(self) -> bytes:
        """Return the JSON object of the body."""
        return json.dumps(
            {"error": self.error, **self._more, "detail": self.detail}, separators=(",", ":")
        ).encode("ascii")

    def response(self, to_head: bool = False) -> bytes:
        """Return the whole HTTP/1.1 response; the answer to HEAD has no body."""
        body = self.body()
        lines = [
            f"HTTP/1.1 {self.status} {_PHRASES[self.status]}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        head = "\r\n".join([*lines, "", ""]).encode("ascii")
        return head if to_head else head + body


def bad_request(detail: str, *headers: tuple[str, str]) -> Refusal:
    """The request violates HTTP, WebSocket or the relay's own rules."""
    return Refusal(400, "bad_request", detail, headers)


def not_http(detail: str) -> Refusal:
    """The first bytes begin no HTTP request."""
    return Refusal(400, "bad_request", detail, counted="no_http")


def upgrade_lost(missing: str) -> Refusal:
    """A proxy dropped a part of a device's upgrade request."""
    return Refusal(
        400,
        "bad_request",
        f"This is a WebSocket request without {missing}. A proxy in front of the relay must "
        "forward the upgrade. In nginx: proxy_http_version 1.1, and proxy_set_header for Upgrade "
        "and Connection.",
        counted="upgrade_lost",
    )


def proxy_unexpected(is_second: bool = False) -> Refusal:
    """A connection began with a header of the PROXY protocol, but the port expects none."""
    detail = (
        "A second PROXY header follows the first: two proxies each send one. Configure one of them "
        "not to."
        if is_second
        else "A PROXY header arrived, but this port does not expect the PROXY protocol. Put "
        "haproxy: before its endpoint string (--listen haproxy:tcp:8080), or configure the proxy "
        "to send none (HAProxy: without send-proxy; nginx: without proxy_protocol on)."
    )
    return Refusal(400, "bad_request", detail, counted="proxy_unexpected")


def proxy_missing() -> Refusal:
    """A connection began without the header of the PROXY protocol that the port expects."""
    return Refusal(
        400,
        "bad_request",
        "This port expects the PROXY protocol, but no PROXY header arrived. Configure the proxy to "
        "send it (HAProxy: send-proxy-v2; nginx: proxy_protocol on), or remove haproxy: from the "
        "endpoint string (--listen).",
        counted="proxy_missing",
    )


def token_required(is_wrong: bool) -> Refusal:
    """The operator requires an access token, and the request has no valid one."""
    detail = (
        "The access token is not valid for this relay. Ask its operator for another."
        if is_wrong
        else "This relay requires an access token. Ask its operator for one, and enter the URL as "
        "wss://any:TOKEN@host."
    )
    realm = 'realm="VaultMesh relay"'
    return Refusal(
        401,
        "token_required",
        detail,
        (("WWW-Authenticate", f"Bearer {realm}"), ("WWW-Authenticate", f"Basic {realm}")),
    )


def address_not_allowed() -> Refusal:
    """The access rules exclude this network address."""
    return Refusal(
        403,
        "address_not_allowed",
        "The operator of this relay does not allow your network address.",
    )


def origin_not_allowed() -> Refusal:
    """The access rules exclude web pages of this origin."""
    return Refusal(
        403,
        "origin_not_allowed",
        "The operator of this relay does not allow connections from web pages of this origin.",
    )


def not_found() -> Refusal:
    """No resource has this path."""
    return Refusal(
        404, "not_found", "There is nothing at this path. Devices connect to / or to /v3."
    )


def method_not_allowed() -> Refusal:
    """Only GET and HEAD are served."""
    return Refusal(
        405,
        "method_not_allowed",
        "This relay answers GET and HEAD, and is not a proxy for HTTP.",
        (("Allow", "GET, HEAD"),),
    )


def request_timeout() -> Refusal:
    """The request head was not complete in time."""
    return Refusal(408, "request_timeout", "The complete request did not arrive in time.")


def head_too_large(limit: int) -> Refusal:
    """The request head is larger than the relay reads."""
    return Refusal(
        431, "head_too_large", f"The request line and headers are more than {limit} bytes."
    )


def rate_limited(retry_seconds: int) -> Refusal:
    """The network address has too many connections, or opens them too fast."""
    return Refusal(
        429,
        "rate_limited",
        "Too many connections come from your network address. Try again later.",
        (("Retry-After", str(retry_seconds)),),
    )


def too_many_lines(limit: int) -> Refusal:
    """The request head has more lines than the relay reads."""
    return Refusal(431, "head_too_large", f"The request has more than {limit} lines.")


def protocol_unsupported(supported: tuple[int, ...]) -> Refusal:
    """The device and the relay have no protocol version in common."""
    known = ", ".join(str(version) for version in supported)
    return Refusal(
        426,
        "protocol_unsupported",
        f"This relay speaks VaultMesh protocol {known}. Update the app, or ask the relay's "
        "operator to update the relay.",
        (
            ("X-VaultMesh-Protocol", known),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
        ),
        supported=list(supported),
    )


def relay_full(retry_seconds: int) -> Refusal:
    """The relay is at its capacity."""
    return Refusal(
        503,
        "relay_full",
        "This relay has reached its maximum number of devices. Try again later.",
        (("Retry-After", str(retry_seconds)),),
    )


def relay_full_of_peers(retry_seconds: int) -> Refusal:
    """The relay is full, and holds the channel: another relay would be of no use."""
    return Refusal(
        429,
        "relay_full",
        "This relay has reached its maximum number of devices, including others of your vault. Try "
        "again in a moment.",
        (("Retry-After", str(retry_seconds)),),
    )


def overloaded(retry_seconds: int, is_held: bool) -> Refusal:
    """More devices come than can join; `is_held`: another relay would split the channel."""
    return Refusal(
        429 if is_held else 503,
        "overloaded",
        "More devices come back at once than this relay can let in. Try again in a moment.",
        (("Retry-After", str(retry_seconds)),),
    )


def draining(retry_seconds: int) -> Refusal:
    """The relay drains."""
    return Refusal(
        503,
        "draining",
        "This relay is about to restart. Try again in a moment.",
        (("Retry-After", str(retry_seconds)),),
    )
