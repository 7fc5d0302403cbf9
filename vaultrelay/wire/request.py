"""Request heads: the strict reading of one HTTP request, without a body (RFC 9112).

h11 knows the grammar. What it forgives for the sake of old servers is refused here first: bare line
feeds, folded lines and control bytes, with which a header could be read in two ways.
"""

from dataclasses import dataclass, field

import h11

from vaultrelay.wire.refusal import bad_request, method_not_allowed, too_many_lines

HEAD_END = b"\r\n\r\n"
HEAD_LINES = 128
"""More than browsers and proxies send. A head full of short ones would take 2 ms to read."""
_HTTP_VERSIONS = (b"1.1", b"1.0")
"""Health checks of load balancers still come in 1.0."""
_ALLOWED = bytes([*b"\t\r\n", *range(0x20, 0x7F), *range(0x80, 0x100)])
_SINGLE = frozenset(
    {
        b"authorization",
        b"host",
        b"origin",
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"x-vaultmesh-channel",
    }
)
"""Header fields that have one value: coming twice, they could be read in two ways."""


@dataclass(frozen=True)
class Request:
    """One request: method, path without the query, and the header fields by lower-case name."""

    method: str
    path: str
    version: str
    headers: dict[bytes, bytes] = field(repr=False)

    def header(self, name: str) -> str | None:
        """The value of a field, its lines joined by commas; None where it is missing."""
        value = self.headers.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def elements(self, name: str) -> list[str]:
        """The elements of a list field, in order; empty ones left out (RFC 9110, section 5.6.1)."""
        return [
            element
            for part in (self.header(name) or "").split(",")
            if (element := part.strip(" \t"))
        ]

    def has_element(self, name: str, element: str) -> bool:
        """Whether a list field has an element, upper and lower case being the same."""
        return element in (found.lower() for found in self.elements(name))

    @property
    def wants_websocket(self) -> bool:
        """Whether this is the start of a WebSocket (RFC 6455, section 4.2.1)."""
        return self.has_element("upgrade", "websocket") and self.has_element(
            "connection", "upgrade"
        )

    @property
    def lost_its_upgrade(self) -> bool:
        """Whether a device meant a WebSocket and something on the way took the upgrade away."""
        return not self.wants_websocket and (
            "sec-websocket-key" in self or "x-vaultmesh-protocol" in self
        )

    def __contains__(self, name: str) -> bool:
        return name.encode("ascii") in self.headers


def read_request(head: bytes) -> Request:
    """The request whose head, up to and with its empty line, is given; Refusal for a bad one."""
    if not _is_clean(head):
        raise bad_request("The request head has control bytes or lines that do not end in CRLF.")
    if head.count(b"\n") > HEAD_LINES:
        raise too_many_lines(HEAD_LINES)
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head) + 1)
    try:
        connection.receive_data(head)
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        if "Host: header" in str(error):
            raise bad_request("HTTP/1.1 needs one Host header.") from None
        raise bad_request("The request head is not HTTP/1.1.") from None
    if not isinstance(event, h11.Request) or event.http_version not in _HTTP_VERSIONS:
        raise bad_request("The request head is not HTTP/1.1.")
    headers: dict[bytes, bytes] = {}
    for raw_name, value in event.headers.raw_items():
        name = raw_name.lower()
        if name not in headers:
            headers[name] = value
        elif name in _SINGLE:
            raise bad_request(f"The header {name.decode('ascii')} appears twice.")
        else:
            headers[name] += b", " + value
    if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
        raise bad_request("Requests to this relay have no body.")
    target = event.target.decode("ascii")
    if event.method not in (b"GET", b"HEAD"):
        raise method_not_allowed()
    if not target.startswith("/"):
        raise bad_request("The request target is not a path.")
    return Request(
        event.method.decode("ascii"),
        target.partition("?")[0],
        event.http_version.decode("ascii"),
        headers,
    )


def _is_clean(head: bytes) -> bool:
    """Whether there is no control byte, each line ends in CRLF, and none is a folded one."""
    lines = head.count(b"\r\n")
    return (
        not head.translate(None, _ALLOWED)
        and head.count(b"\r") == lines
        and head.count(b"\n") == lines
        and b"\n " not in head
        and b"\n\t" not in head
    )
