"""The parser of request heads: HTTP/1 without a body, strictly (RFC 9112, sections 2 to 6).

What the RFC lets a server tolerate is refused, since another reader of the same bytes may see
another request in them: bare line feeds, folded lines, several spaces in the request line, a header
field that comes twice and has one value, and a length of the body that is not exactly 0.
"""

import re
from typing import NamedTuple

from vaultrelay.wire.head import HEAD_END, check_lines
from vaultrelay.wire.refusal import Refusal, bad_request, too_many_lines

HEAD_LINES = 128
"""More than browsers and proxies send. A bound on the work for a head full of short ones."""
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The bytes of a name (RFC 9110, section 5.6.2)."""
_REQUEST_LINE = re.compile(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/([0-9]\.[0-9])")
_HTTP_VERSIONS = (b"1.1", b"1.0")
"""Health checks of load balancers still use 1.0."""
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
"""Header fields with a single value: repeated, they would be ambiguous."""


class ParsedHead(NamedTuple):
    """The parts of a request head, all as received but for the names, which are in lower case."""

    method: bytes
    target: bytes
    version: bytes
    headers: dict[bytes, bytes]


def parse_head(head: bytes) -> ParsedHead:
    """Return the parts of a head, which includes its empty line. Raises Refusal for an invalid
    one."""
    check_lines(head)
    if head.count(b"\n") > HEAD_LINES:
        raise too_many_lines(HEAD_LINES)
    first, *lines = head.removesuffix(HEAD_END).split(b"\r\n")
    matched = _REQUEST_LINE.fullmatch(first)
    if matched is None or not head.endswith(HEAD_END):
        raise _no_http()
    method, target, version = matched.groups()
    headers = _parse_fields(lines)
    if version == b"1.1" and b"host" not in headers:
        raise _no_single_host()
    if version not in _HTTP_VERSIONS:
        raise bad_request(
            "This relay speaks HTTP/1.1 only: a proxy in front of it must not use HTTP/2."
        )
    if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
        raise bad_request("Requests to this relay have no body.")
    return ParsedHead(method, target, version, headers)


def _parse_fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the header fields by name; the lines of one field are joined by commas."""
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        # check_lines has refused every byte that no value may have.
        if not (name and colon) or name.translate(None, _TOKEN):
            raise _no_http()
        name, value = name.lower(), value.strip(b" \t")
        if name not in headers:
            headers[name] = value
        elif name not in _SINGLE:
            headers[name] += b", " + value
        elif name == b"host":
            raise _no_single_host()
        else:
            raise bad_request(f"The header {name.decode('ascii')} appears twice.")
    return headers


def _no_http() -> Refusal:
    return bad_request("The request head is not HTTP/1.1.")


def _no_single_host() -> Refusal:
    return bad_request("HTTP/1.1 needs one Host header.")
