"""The header of the PROXY protocol, without a connection; Twisted's parsers are the reference."""

import struct
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

# Private modules of Twisted's, in a test alone: an implementation that is not ours to compare with.
from twisted.protocols.haproxy._exceptions import InvalidProxyHeader
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

from tests.wire.proxy_headers import BAD, GOOD, LOCAL, PROXY, TCP4, TCP6, UNIX, V4, V6, version_2
from vaultrelay.wire.proxy_header import (
    BEGINS_1,
    BEGINS_2,
    MAX_V1_BYTES,
    MAX_V2_BYTES,
    BadHeader,
    ProxyHeader,
    Source,
    may_begin,
    read_proxy_header,
)

INVALID = "invalid"
"""What both say of a header that breaks the specification."""


def ours(data: bytes) -> Any:
    """What we read: the source as (host, port), a path, None, or INVALID, and the header's size."""
    if not may_begin(data):
        return INVALID
    try:
        header = read_proxy_header(data)
    except BadHeader:
        return INVALID
    if header is None:
        return "not whole"
    source = header.source
    return (tuple(source) if isinstance(source, Source) else source), header.size


def reference(data: bytes) -> Any:
    """What Twisted's parsers read, in the same form."""
    try:
        if data.startswith(BEGINS_1):
            if b"\r\n" not in data:
                return INVALID if len(data) >= MAX_V1_BYTES else "not whole"
            line = data[: data.index(b"\r\n")]
            size, info = len(line) + 2, V1Parser.parse(line)
        elif data.startswith(BEGINS_2):
            if len(data) < 16:
                return "not whole"
            found, rest = V2Parser().feed(data)
            if found is None or rest is None:
                return "not whole"
            size, info = len(data) - len(rest), found
        else:
            return INVALID
    except (InvalidProxyHeader, ValueError, KeyError):
        # It has no format for some families, and its int() raises ValueError.
        return INVALID
    source: Any = info.source
    if isinstance(source, UNIXAddress):
        return source.name, size
    return (None if source is None else (source.host, source.port)), size


def canonical(read: Any) -> Any:
    """The same, with an address of IPv6 as ipaddress writes it.

    A difference on purpose: Twisted writes it in full for version 2, 2001:db8:0:0:0:0:0:7.
    """
    if isinstance(read, tuple) and isinstance(read[0], tuple):
        (host, port), size = read
        return (str(ip_address(host)), port), size
    return read


def is_address(text: bytes) -> bool:
    try:
        ip_address(text.decode("ascii"))
    except ValueError:
        return False
    return b"%" not in text


def differs_on_purpose(data: bytes) -> bool:
    """Whether we refuse, or take, what Twisted does not."""
    if data.startswith(BEGINS_1):
        line, end, _ = data.partition(b"\r\n")
        if (end and len(line) + 2 > MAX_V1_BYTES) or b"\n" in line:
            # The longest line of the specification; Twisted takes any that came in one read. And a
            # line ends at its first LF, which must not stand alone.
            return True
        protocol, *fields = line[len(BEGINS_1) :].split(b" ")
        if protocol == b"UNKNOWN":
            # Twisted wants a space after it, which the specification does not.
            return not fields
        if protocol in (b"TCP4", b"TCP6") and len(fields) >= 4:
            source, destination, *ports = fields[:4]
            # Twisted takes names, zones, and all that int() does for a port: signs, spaces,
            # underscores, and numbers above 65535. It decodes the destination, which nobody uses.
            return not (is_address(source) and destination.isascii()) or not all(
                port.isdigit() and len(port) <= 5 and int(port) <= 65535 for port in ports
            )
        return False
    # More than any proxy has to say.
    return len(data) >= 16 and 16 + int.from_bytes(data[14:16], "big") > MAX_V2_BYTES


def expected(client: object) -> Any:
    """The source of a header, for the address that it names."""
    if isinstance(client, IPv4Address | IPv6Address):
        return Source(client.host, client.port)
    return client.name if isinstance(client, UNIXAddress) else None


@pytest.mark.parametrize(("text", "client"), GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("rest", [b"", b"G", b"\r\n", BEGINS_2, bytes(60_000)])
def test_a_good_header_is_read_and_not_a_byte_more(text: bytes, client: Any, rest: bytes) -> None:
    assert read_proxy_header(text + rest) == ProxyHeader(len(text), expected(client))
    if not differs_on_purpose(text):
        assert canonical(ours(text + rest)) == canonical(reference(text + rest))


@pytest.mark.parametrize("text", [text for text, _ in GOOD.values()], ids=GOOD)
def test_a_good_header_is_not_whole_wherever_it_is_cut(text: bytes) -> None:
    for end in range(len(text)):
        assert may_begin(text[:end])
        assert read_proxy_header(text[:end]) is None


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_header_is_refused(text: bytes) -> None:
    assert ours(text) == INVALID
    if not differs_on_purpose(text) and may_begin(text):
        assert reference(text) == INVALID


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_header_is_refused_where_it_comes_byte_by_byte(text: bytes) -> None:
    """Once refused it stays so: nothing that follows makes it good."""
    found = [ours(text[:end]) for end in range(1, min(len(text), 5000) + 1)]
    first = found.index(INVALID)
    assert set(found[:first]) <= {"not whole"}
    assert set(found[first:]) == {INVALID}


@pytest.mark.parametrize(
    "text",
    [b"P", b"PROXY", b"PROXY ", b"\r", b"\r\n\r\n\0\r\nQUIT", BEGINS_2, b""],
)
def test_a_header_may_begin_so(text: bytes) -> None:
    assert may_begin(text)
    assert read_proxy_header(text) is None


@pytest.mark.parametrize("text", [b"G", b"p", b"PROXX", b"PROXIMITY", b"\n", b"\r\nG", b"\x16\x03"])
def test_no_header_begins_so(text: bytes) -> None:
    assert not may_begin(text)


@pytest.mark.parametrize(
    "port",
    [b"+1", b"-1", b" 1", b"1_0", b"65536", b"99999", b"", b"0x1", b"1.0", "\u0661".encode()],
)
def test_a_port_is_decimal_digits_up_to_65535(port: bytes) -> None:
    for ports in (port + b" 443", b"443 " + port):
        assert ours(b"PROXY TCP4 198.51.100.7 203.0.113.1 " + ports + b"\r\n") == INVALID


@pytest.mark.parametrize("port", [b"0", b"1", b"65535", b"00443"])
def test_a_port_is_any_that_there_is(port: bytes) -> None:
    text = b"PROXY TCP4 198.51.100.7 203.0.113.1 " + port + b" 443\r\n"
    assert ours(text) == (("198.51.100.7", int(port)), len(text))


@pytest.mark.parametrize(
    "host", ["fe80::1%eth0", "::1%\x1b[2J", "::1%1", "1.2.3.4%1", "01.2.3.4", "1.2.3", "[::1]", ""]
)
def test_an_address_is_one_and_has_no_zone(host: str) -> None:
    """A zone is the proxy's own, and any text for Python."""
    text = f"PROXY TCP6 {host} 2001:db8::1 50000 443\r\n".encode()
    assert ours(text) == INVALID


def test_datagrams_name_an_address_as_streams_do() -> None:
    """No difference to us; Twisted says that its protocol is UDP."""
    for family, addresses in ((TCP4, V4), (TCP6, V6)):
        stream, datagram = (version_2(addresses, each) for each in (family, family + 1))
        assert ours(stream) == ours(datagram)


@pytest.mark.parametrize("command", [LOCAL, PROXY, 0x22, 0x11, 0x31])
def test_every_family_is_read_as_by_twisted(command: int) -> None:
    for family in range(256):
        text = version_2(bytes(range(1, 217)), family, command)
        assert canonical(ours(text)) == canonical(reference(text))


def addresses() -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.ip_addresses(v=4).map(lambda ip: str(ip).encode()),
        st.ip_addresses(v=6).map(lambda ip: str(ip).encode()),
        st.sampled_from([b"", b"a.example", b"::1%1", b"1.2.3", b"\xff"]),
    )


PORTS = st.one_of(
    st.integers(0, 65535).map(lambda port: str(port).encode()),
    st.sampled_from([b"", b"65536", b"+1", b" 1", b"1_0", b"-1", b"x"]),
)
LINES = st.builds(
    lambda *fields: b" ".join(fields),
    st.sampled_from([b"PROXY TCP4", b"PROXY TCP6", b"PROXY UNKNOWN", b"PROXY UDP4", b"PROXY "]),
    addresses(),
    addresses(),
    PORTS,
    PORTS,
)
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b"", b" more\r\n", b"\r\nGET /"])
VERSION_1 = st.builds(lambda line, end: line + end, LINES, ENDS)
VERSION_2 = st.builds(
    version_2,
    st.one_of(
        st.sampled_from([V4, V6, b""]),
        st.binary(max_size=216),
        st.binary(min_size=216, max_size=216),
    ),
    st.sampled_from([TCP4, TCP6, UNIX, TCP4 + 1, TCP6 + 1, UNIX + 1, 0, 1, 0x10, 0x41]),
    st.sampled_from([PROXY, PROXY, LOCAL, 0x11, 0x22]),
    st.binary(max_size=40),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A header, perhaps with some bytes changed, put in or left out, and cut anywhere."""
    text = bytearray(
        draw(st.one_of(VERSION_1, VERSION_2, st.sampled_from([each for each, _ in GOOD.values()])))
    )
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        left_out = draw(st.integers(0, 2))
        text[place : place + left_out] = draw(st.binary(max_size=2))
    return bytes(text[: draw(st.integers(0, len(text)))]) if draw(st.booleans()) else bytes(text)


@given(mutated())
@settings(max_examples=1500)
def test_twisted_reads_the_same(text: bytes) -> None:
    found = ours(text)
    if differs_on_purpose(text):
        return
    compared = reference(text)
    if found == INVALID and compared == "not whole":
        # We may know earlier, never later.
        assert not may_begin(text) or b"\n" in text
        return
    if found == "not whole" and not text.startswith((BEGINS_1, BEGINS_2)):
        return
    assert canonical(found) == canonical(compared)


@given(mutated(), st.integers(0, 5000))
@settings(max_examples=500)
def test_a_header_that_is_whole_does_not_depend_on_what_follows(text: bytes, place: int) -> None:
    whole = ours(text)
    if isinstance(whole, tuple):
        assert ours(text + bytes(place)) == whole
        assert ours(text[: whole[1] - 1]) == "not whole"


def test_packed_addresses_are_written_as_people_do() -> None:
    text = version_2(
        struct.pack("!16s16sHH", ip_address("2001:db8::7").packed, bytes(16), 1, 2), TCP6
    )
    assert ours(text) == (("2001:db8::7", 1), len(text))
