"""The PROXY protocol, versions 1 and 2: a client's address, ahead of all bytes of its connection.

Specification: HAProxy's doc/proxy-protocol.txt, sections 2.1 and 2.2.
"""

import struct
from ipaddress import ip_address
from typing import NamedTuple

from vaultrelay.wire.host import MAX_PORT

BEGINS_1 = b"PROXY "
BEGINS_2 = b"\r\n\r\n\0\r\nQUIT\n"
MAX_V1_BYTES = 107
"""Bytes of a version 1 header, its line end included (section 2.1)."""
FIXED_2 = 16
"""Bytes of a version 2 header up to its length field, inclusive (section 2.2)."""
MAX_V2_BYTES = 4096
"""More than any proxy sends. Larger headers would only cost memory."""

_END_1 = b"\r\n"
_ADDRESSES_1 = (b"TCP4", b"TCP6")
_FIELDS_1 = 4
"""After the protocol: both addresses and both ports."""
_VERSION_2 = 2
_LOCAL, _PROXY = 0, 1
_UNSPECIFIED, _IPV4, _IPV6, _UNIX = range(4)
_TRANSPORTS = range(3)
"""Unspecified, stream and datagram."""
_FORMATS = {_IPV4: "!4s4sHH", _IPV6: "!16s16sHH", _UNIX: "!108s108s"}
"""The addresses and ports of source and destination, by family."""


class BadHeader(ValueError):
    """A PROXY header that violates the specification."""


class Source(NamedTuple):
    """The client's end of a connection: an IP address and port."""

    host: str
    port: int


class ProxyHeader(NamedTuple):
    """A whole header: its size in bytes, and the client's address.

    `source` is the path of a unix socket if it is bytes, and None if the header keeps the address
    of the connection.
    """

    size: int
    source: Source | bytes | None


def may_begin(data: bytes) -> bool:
    """Return whether a header can begin with these bytes, perhaps incomplete."""
    return any(data[: len(begin)] == begin[: len(data)] for begin in (BEGINS_1, BEGINS_2))


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """Return the header at the start of `data`; None while it is incomplete.

    Expects bytes that `may_begin` accepts. Raises BadHeader if they cannot become a header.
    """
    if data.startswith(BEGINS_1):
        return _read_1(data)
    if len(data) < FIXED_2:
        return None
    return _read_2(data)


def _read_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\n", 0, MAX_V1_BYTES)
    if end < 0:
        if len(data) >= MAX_V1_BYTES:
            raise BadHeader
        return None
    line = data[: end + 1]
    if not line.endswith(_END_1):
        raise BadHeader
    protocol, *fields = line[len(BEGINS_1) : -len(_END_1)].split(b" ")
    if protocol == b"UNKNOWN":
        return ProxyHeader(len(line), None)
    if protocol not in _ADDRESSES_1 or len(fields) < _FIELDS_1:
        raise BadHeader
    host, _, port, target_port = fields[:_FIELDS_1]
    _read_port(target_port)
    return ProxyHeader(len(line), Source(_read_host(host), _read_port(port)))


def _read_host(text: bytes) -> str:
    if b"%" in text:
        # A zone is local to the proxy, and ip_address accepts any text as one.
        raise BadHeader
    try:
        host = text.decode("ascii")
        ip_address(host)
    except ValueError:
        raise BadHeader from None
    return host


def _read_port(text: bytes) -> int:
    if not text.isdigit() or len(text) > len(str(MAX_PORT)) or int(text) > MAX_PORT:
        raise BadHeader
    return int(text)


def _read_2(data: bytes) -> ProxyHeader | None:
    version, command = divmod(data[12], 16)
    size = FIXED_2 + int.from_bytes(data[14:FIXED_2], "big")
    if size > MAX_V2_BYTES:
        raise BadHeader
    if len(data) < size:
        return None
    if version != _VERSION_2 or command not in (_LOCAL, _PROXY):
        raise BadHeader
    if command == _LOCAL:
        return ProxyHeader(size, None)
    family, transport = divmod(data[13], 16)
    if transport not in _TRANSPORTS:
        raise BadHeader
    if family == _UNSPECIFIED or transport == _UNSPECIFIED:
        if family > _UNIX:
            raise BadHeader
        return ProxyHeader(size, None)
    return ProxyHeader(size, _read_source_2(family, data[FIXED_2:size]))


def _read_source_2(family: int, body: bytes) -> Source | bytes:
    try:
        source, _, *ports = struct.unpack_from(_FORMATS[family], body)
    except (KeyError, struct.error):
        raise BadHeader from None
    if family == _UNIX:
        return bytes(source).rstrip(b"\0")
    return Source(str(ip_address(source)), ports[0])
