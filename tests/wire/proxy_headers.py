"""Headers of the PROXY protocol, good and bad."""

import struct
from ipaddress import ip_address

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TCP4, TCP6, UNIX = 0x11, 0x21, 0x31


def version_2(
    addresses: bytes = b"", family: int = TCP4, command: int = PROXY, more: bytes = b""
) -> bytes:
    body = addresses + more
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


def two_addresses(source: str, target: str, port: int) -> bytes:
    packed = ip_address(source).packed + ip_address(target).packed
    return packed + struct.pack("!HH", port, 443)


V4 = two_addresses("198.51.100.7", "203.0.113.1", 50000)
V6 = two_addresses("2001:db8::7", "2001:db8::1", 50000)
CLIENT_4 = IPv4Address("TCP", "198.51.100.7", 50000)
CLIENT_6 = IPv6Address("TCP", "2001:db8::7", 50000)
TLVS = b"\x01\0\x08http/1.1" + b"\x04\x01\0" + bytes(256) + b"\x20\0\x05\x01\0\0\0\0"
"""ALPN, padding and facts of TLS, as proxies add them."""
UNIX_PATHS = b"/run/client.sock".ljust(108, b"\0") + b"/run/relay.sock".ljust(108, b"\0")

GOOD = {
    "1 TCP4": (b"PROXY TCP4 198.51.100.7 203.0.113.1 50000 443\r\n", CLIENT_4),
    "1 TCP6": (
        b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n",
        IPv6Address("TCP", "2001:db8::7", 50000),
    ),
    "1 UNKNOWN": (b"PROXY UNKNOWN\r\n", None),
    "1 UNKNOWN and more": (b"PROXY UNKNOWN ffff:f... 65535 whatever\r\n", None),
    "1 longest": (b"PROXY UNKNOWN ".ljust(105, b"x") + b"\r\n", None),
    "2 TCP4": (version_2(V4), CLIENT_4),
    "2 TCP4 and more": (version_2(V4, more=TLVS), CLIENT_4),
    "2 TCP6": (version_2(V6, TCP6), CLIENT_6),
    "2 TCP6 and more": (version_2(V6, TCP6, more=TLVS), CLIENT_6),
    "2 UNIX": (version_2(UNIX_PATHS, UNIX), UNIXAddress(b"/run/client.sock")),
    "2 LOCAL": (version_2(command=LOCAL, family=0), None),
    "2 LOCAL with addresses": (version_2(V4, command=LOCAL, more=TLVS), None),
    "2 unspecified": (version_2(family=0), None),
    "2 unspecified and more": (version_2(family=0, more=TLVS), None),
    "2 longest": (version_2(V4, more=bytes(4096 - 16 - len(V4))), CLIENT_4),
}
"""Lines, and whom they name; None where they leave the address of the connection."""
BAD = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: relay.example.org\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
    "zeros": bytes(12),
    "a peer of another program": b"HAProxyX 2.1\nw1\nhere 1 1\n",
    "capitals": b"proxy TCP4 198.51.100.7 203.0.113.1 50000 443\r\n",
    "1 without a word": b"PROXY \r\nGET / HTTP/1.1\r\n",
    "1 of another network": b"PROXY UDP4 198.51.100.7 203.0.113.1 50000 443\r\n",
    "1 without ports": b"PROXY TCP4 198.51.100.7 203.0.113.1\r\n",
    "1 without addresses": b"PROXY TCP4\r\nGET / HTTP/1.1\r\n",
    "1 with names": b"PROXY TCP4 client.example relay.example 50000 443\r\n",
    "1 with a word for a port": b"PROXY TCP4 198.51.100.7 203.0.113.1 many 443\r\n",
    "1 with no ASCII": b"PROXY TCP4 198.51.100.\xff 203.0.113.1 50000 443\r\n",
    "1 with another's line": b"PROXY TCP4 198.51.100.7 203.0.113.1 1 2\rGET / HTTP/1.1\r\n",
    "1 with a line in it": b"PROXY TCP4 198.51.100.7 203.0.113.1 50000 443\n\r\n",
    "1 too long": b"PROXY UNKNOWN ".ljust(106, b"x") + b"\r\n",
    "1 without an end": b"PROXY UNKNOWN " + b"x" * 5000,
    "1 with ends of LF": b"PROXY UNKNOWN\n" * 10,
    "1 with ends of CR": b"PROXY UNKNOWN\r" * 10,
    "2 of version 1": version_2(V4, command=0x11),
    "2 of another command": version_2(V4, command=0x2F),
    "2 of another family": version_2(V4, family=0x91),
    "2 of another kind": version_2(V4, family=0x15),
    "2 with half an address": version_2(V4[:6]),
    "2 without addresses": version_2(),
    "2 too long": version_2(V4, more=bytes(4097 - 16 - len(V4))),
    "2 as long as can be": SIGNATURE + b"\x21\x11\xff\xff",
    "2 with another signature": SIGNATURE[:-1] + b"X" + version_2(V4)[12:],
}
