"""parse_head against h11: the same reading of every head, but for the differences listed here."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.h11_reading import by_h11
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request_parser import ParsedHead, parse_head

FUZZ = settings(deadline=None, derandomize=True, max_examples=600)

GOOD = (
    b"GET /v3?key=1 HTTP/1.1\r\n"
    b"Host: relay.example.org\r\n"
    b"User-Agent:\tVault 3 (caf\xe9) \r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive\r\n"
    b"connection: Upgrade\r\n"
    b"Content-Length: 0\r\n"
    b"X-VaultMesh-Protocol: 3\r\n"
    b"\r\n"
)


def ours(head: bytes) -> ParsedHead | None:
    try:
        return parse_head(head)
    except Refusal:
        return None


# What h11 accepts and the relay refuses. The reverse never happens.

STRICTER = {
    "a bare line feed": GOOD.replace(b"\r\n", b"\n", 1),
    "a folded line": GOOD.replace(b"websocket\r\n", b"web\r\n socket\r\n"),
    "a control byte": GOOD.replace(b"Vault 3", b"Vault\x013"),
    "a delete": GOOD.replace(b"Vault 3", b"Vault\x7f3"),
    "another version of HTTP": GOOD.replace(b"HTTP/1.1", b"HTTP/1.2"),
    "HTTP/2": GOOD.replace(b"HTTP/1.1", b"HTTP/2.0"),
    "a body": GOOD.replace(b"Length: 0", b"Length: 1"),
    "a length that is not spelled 0": GOOD.replace(b"Length: 0", b"Length: 00"),
    "a length twice": GOOD.replace(b"Content-Length: 0\r\n", b"Content-Length: 0\r\n" * 2),
    "a list of lengths": GOOD.replace(b"Length: 0", b"Length: 0, 0"),
    "chunks": GOOD.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"),
    "bytes after the head": GOOD + b"GET",
    "a second head": GOOD + GOOD,
    "a field with one value twice": GOOD.replace(
        b"Upgrade:", b"Origin: a\r\nOrigin: a\r\nUpgrade:"
    ),
    "129 lines": GOOD.replace(b"Upgrade:", b"a: b\r\n" * 120 + b"Upgrade:"),
}


@pytest.mark.parametrize("why", STRICTER)
def test_the_relay_refuses_what_h11_tolerates(why: str) -> None:
    assert by_h11(STRICTER[why]) is not None
    assert ours(STRICTER[why]) is None


def test_a_head_is_read_as_h11_reads_it() -> None:
    read = parse_head(GOOD)
    assert read == by_h11(GOOD)
    assert read.headers[b"user-agent"] == b"Vault 3 (caf\xe9)"
    assert read.headers[b"connection"] == b"keep-alive, Upgrade"


PIECES = [
    *(b"GET", b"HEAD", b"/", b" ", b"  ", b"\t", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"),
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b":", b": ", b" :", b",", b'"', b"(", b"\\"),
    *(b"Host: a\r\n", b"host:\r\n", b"Origin: b\r\n", b"a: b\r\n", b"a:b \t\r\n", b": c\r\n"),
    *(b"Content-Length: 0\r\n", b"content-length:0\r\n", b"Content-Length: 1\r\n", b"0", b"-1"),
    *(b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n"),
    *(b"\x00", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x80", b"\x85", b"\xa0", b"\xff", b"\xc3\xa9"),
]


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """A good head with one to four changes: pieces put in, bytes taken out, or a byte changed."""
    head = draw(st.sampled_from([GOOD, b"GET / HTTP/1.0\r\n\r\n", *STRICTER.values()]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(head)))
        piece = draw(st.sampled_from(PIECES) | st.binary(min_size=1, max_size=2) | st.just(b""))
        head = head[:at] + piece + head[at + draw(st.integers(0, 3)) :]
    return head


@FUZZ
@given(heads() | st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join) | st.binary())
def test_whatever_the_relay_accepts_h11_reads_the_same(head: bytes) -> None:
    read = ours(head)
    if read is not None:
        assert read == by_h11(head), head


TCHARS = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters
OWS = st.text(" \t", max_size=3)
FIELDS = st.tuples(
    st.text(TCHARS, min_size=1, max_size=12),
    OWS,
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")),
    OWS,
)


@FUZZ
@given(
    method=st.text(TCHARS, min_size=1, max_size=12),
    target=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1),
    version=st.sampled_from(["1.0", "1.1"]),
    fields=st.lists(FIELDS, max_size=10),
)
def test_whatever_the_grammar_allows_is_read_as_h11_reads_it(
    method: str, target: str, version: str, fields: list[tuple[str, str, str, str]]
) -> None:
    lines = [f"{name}:{before}{value}{after}" for name, before, value, after in fields]
    whole = "\r\n".join([f"{method} {target} HTTP/{version}", "Host: a", *lines, "", ""])
    head = whole.encode("latin-1")
    read = parse_head(head)
    assert (read.method, read.target) == (method.encode(), target.encode())
    assert read == by_h11(head)
