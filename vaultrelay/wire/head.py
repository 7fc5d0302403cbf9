"""The start of a request head in the bytes of a connection."""

import re

from vaultrelay.wire.refusal import bad_request, not_http, proxy_unexpected

HEAD_END = b"\r\n\r\n"
EMPTY_LINES = 4
"""Before the request line. RFC 9112, section 2.2 asks for at least one, which old clients send
after a body; more have no use."""
_CRLF = b"\r\n"
_ALLOWED = bytes([*b"\t\r\n", *range(0x20, 0x7F), *range(0x80, 0x100)])
_TLS_HANDSHAKE = b"\x16"
"""The first byte of every TLS connection (RFC 8446, section 5.1)."""
_PROXY_1 = re.compile(rb"PROXY (?:TCP4|TCP6|UNKNOWN)[ \r]")
_PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY_2_CERTAIN = 5
"""Bytes of it that cannot be empty lines before a request."""


def begins_proxy_header(data: bytes) -> bool:
    """Return whether `data` begins with a header of the PROXY protocol, version 1 or 2."""
    return _PROXY_1.match(data) is not None or data.startswith(_PROXY_2[:_PROXY_2_CERTAIN])


def request_start(data: bytes, in_tls: bool, has_proxy_header: bool) -> int | None:
    """Return the offset of the request line in the bytes so far; None before its first byte.

    Raises Refusal if they begin no request. `in_tls` and `has_proxy_header` describe what precedes
    them on the connection.
    """
    if data[:1].isalpha() and not data.startswith(b"PROXY "):
        return 0
    if begins_proxy_header(data):
        raise proxy_unexpected(is_second=has_proxy_header)
    start = 0
    while data.startswith(_CRLF, start):
        start += len(_CRLF)
    if start > EMPTY_LINES * len(_CRLF):
        raise bad_request(f"More than {EMPTY_LINES} empty lines precede the request.")
    if data[start : start + 1].isalpha():
        return start
    if data[start:] in (b"", b"\r"):
        return None
    if data[start : start + 1] in (b"\r", b"\n"):
        check_lines(data[start:])
    raise not_http(_no_request(data, in_tls))


def check_growing(head: bytes, since: int) -> None:
    """Raises Refusal if an unfinished head is malformed already; checks from `since` on.

    Otherwise a head with bare line feeds would wait for an end that never comes.
    """
    start = since - head.startswith(b"\r", since - 1) if since else 0
    # Its line feed may not have come yet.
    check_lines(head[start:].removesuffix(b"\r"))


def check_lines(head: bytes) -> None:
    """Raises Refusal for a control byte, a line that does not end in CRLF, or a folded one."""
    lines = head.count(b"\r\n")
    if (
        head.translate(None, _ALLOWED)
        or head.count(b"\r") != lines
        or head.count(b"\n") != lines
        or b"\n " in head
        or b"\n\t" in head
    ):
        raise bad_request("The request head has control bytes or lines that do not end in CRLF.")


def _no_request(data: bytes, in_tls: bool) -> str:
    if not data.startswith(_TLS_HANDSHAKE):
        port = "wss, so HTTP/1.1 within TLS" if in_tls else "ws, without TLS"
        return f"This is not HTTP. This port speaks {port}."
    if in_tls:
        return (
            "This is TLS within TLS. The proxy in front of the relay must either pass the devices' "
            "TLS through, or terminate it, but not both."
        )
    return (
        "This is TLS, but this port speaks ws, without TLS. Dial it with ws://, configure the "
        "proxy in front of it to use http://, or start the relay with --tls-cert and --tls-key."
    )
