import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request import Request, read_request
from vaultrelay.wire.request_parser import HEAD_LINES

FUZZ = settings(deadline=None, derandomize=True, max_examples=150)

GOOD = (
    b"GET /v3?key=1 HTTP/1.1\r\n"
    b"Host: relay.example.org\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"X-VaultMesh-Protocol: 3\r\n"
    b"\r\n"
)


def head(*lines: bytes, first: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: a") -> bytes:
    return b"\r\n".join([first, host, *lines, b"", b""])


def refusal_of(raw: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_request(raw)
    return caught.value


def test_a_request_is_its_method_path_version_and_headers() -> None:
    assert read_request(GOOD) == Request(
        "GET",
        "/v3",
        "1.1",
        {
            b"host": b"relay.example.org",
            b"upgrade": b"websocket",
            b"connection": b"keep-alive, Upgrade",
            b"x-vaultmesh-protocol": b"3",
        },
    )


@pytest.mark.parametrize(
    ("first", "method", "path"),
    [
        (b"GET / HTTP/1.1", "GET", "/"),
        (b"HEAD /health HTTP/1.1", "HEAD", "/health"),
        (b"GET /?a=/b?c HTTP/1.1", "GET", "/"),
        (b"GET /%2e%2E/x HTTP/1.1", "GET", "/%2e%2E/x"),
        (b"GET //evil.example HTTP/1.1", "GET", "//evil.example"),
    ],
)
def test_the_path_is_the_target_without_its_query(first: bytes, method: str, path: str) -> None:
    request = read_request(head(first=first))
    assert (request.method, request.path) == (method, path)


def test_a_health_check_may_use_http_1_0_without_a_host() -> None:
    request = read_request(b"GET /health HTTP/1.0\r\n\r\n")
    assert (request.path, request.version) == ("/health", "1.0")


# Bytes that some reader of HTTP takes for the end of a line, or for nothing.

CONTROL_BYTES = sorted(({*range(0x20)} | {0x7F}) - {0x09})


@pytest.mark.parametrize("byte", CONTROL_BYTES, ids=hex)
def test_a_control_byte_is_refused_wherever_it_stands(byte: int) -> None:
    for position in range(len(GOOD)):
        smuggled = GOOD[:position] + bytes([byte]) + GOOD[position:]
        assert refusal_of(smuggled).status == 400, smuggled


BEYOND_ASCII = [0x80, 0x85, 0xA0, 0xB3, 0xFF]


@pytest.mark.parametrize("byte", BEYOND_ASCII, ids=hex)
def test_a_byte_beyond_ascii_is_refused_in_the_request_line_and_in_names(byte: int) -> None:
    for position in range(GOOD.index(b": relay.example.org") + 1):
        smuggled = GOOD[:position] + bytes([byte]) + GOOD[position:]
        assert refusal_of(smuggled).status == 400, smuggled


@pytest.mark.parametrize("byte", BEYOND_ASCII, ids=hex)
def test_a_byte_beyond_ascii_in_a_value_is_a_character_of_it(byte: int) -> None:
    """0x85 ends a line and 0xa0 is a space to str.splitlines() and str.strip()."""
    value = b"a" + bytes([byte]) + b"X-VaultMesh-Protocol: 3" + bytes([byte])
    request = read_request(head(b"Name: " + value))
    assert "x-vaultmesh-protocol" not in request
    assert request.header("name") == value.decode("latin-1")
    assert request.elements("name") == [value.decode("latin-1")]


@pytest.mark.parametrize(
    "raw",
    [
        GOOD.replace(b"\r\n", b"\n"),
        GOOD.replace(b"\r\n", b"\r"),
        GOOD.replace(b"\r\n", b"\n\r"),
        GOOD.replace(b"websocket\r\n", b"websocket\n"),
        GOOD.replace(b"websocket\r\n", b"websocket\r"),
        GOOD.replace(b"websocket\r\n", b"websocket\r\r\n"),
        GOOD.replace(b"websocket\r\n", b"websocket\r\n \r\n"),
        GOOD.replace(b": websocket", b":\r\n websocket"),
        GOOD.replace(b": websocket", b":\r\n\twebsocket"),
        GOOD.replace(b"Host", b" Host"),
        GOOD[:-2] + b"\n",
    ],
)
def test_bare_line_feeds_and_folded_lines_are_refused(raw: bytes) -> None:
    assert refusal_of(raw).status == 400


@pytest.mark.parametrize(
    "line",
    [
        b"X-VaultMesh-Protocol : 3",
        b"X-VaultMesh-Protocol\t: 3",
        b"X-VaultMesh-Protocol",
        b": 3",
        b"X VaultMesh: 3",
        b"X(y): 3",
        b"X@y: 3",
        b'"X": 3',
        b"X\xe9: 3",
    ],
)
def test_what_is_no_header_line_is_refused(line: bytes) -> None:
    assert refusal_of(head(line)).status == 400


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b" GET / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET / /x HTTP/1.1",
        b"GET HTTP/1.1",
        b"GET / http/1.1",
        b"GET / HTTP/1",
        b"GET / HTTP/1.10",
        b"GET / HTTP/11",
        b"GET / HTTP/+1.1",
        b"GET / HTTPS/1.1",
        b"GET / SIP/2.0",
        b"(GET) / HTTP/1.1",
        b"\x16\x03\x01",
    ],
)
def test_what_is_no_request_line_is_refused(first: bytes) -> None:
    assert refusal_of(head(first=first)).status == 400


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"3.0", b"9.9"])
def test_another_major_version_of_http_is_refused(version: bytes) -> None:
    assert refusal_of(head(first=b"GET / HTTP/" + version)).status == 400


def test_http_2_without_tls_is_named() -> None:
    assert "must not use HTTP/2" in refusal_of(b"PRI * HTTP/2.0\r\n\r\n").detail


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\n\r\n", b"\r\n" + GOOD, GOOD[:-2], GOOD[:30]])
def test_what_is_no_whole_head_is_refused(raw: bytes) -> None:
    assert refusal_of(raw).status == 400


@pytest.mark.parametrize(
    "target",
    [
        *(
            b"*",
            b"relay.example.org:443",
            b"?x",
            b"v3",
            b"\\",
            b"#",
            b"http:",
            b"http:/",
            b"http:/x",
        ),
        *(
            b"http://",
            b"http:///",
            b"http://?x",
            b"http://:80/",
            b"http://a:b/",
            b"http://a:999999/",
        ),
        *(b"ftp://a/", b"file:///", b"httpx://a/", b"http//a/", b"://a/", b"urn:a", b"wsss://a/"),
        *(b"http://u@a/", b"http://u:p@a/", b"http://a@/", b"http://a,b/", b"http://a%2fb/"),
        *(b"http://[::1/", b"http://::1/", b"http://[g]/", b"http://a#b", b"http://a\\b/"),
    ],
)
def test_a_target_that_is_neither_path_nor_url_is_refused(target: bytes) -> None:
    for version in (b"1.0", b"1.1"):
        assert refusal_of(head(first=b"GET " + target + b" HTTP/" + version)).status == 400


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://relay.example.org/health", "/health", "relay.example.org"),
        (b"https://relay.example.org:443/v3?a=b", "/v3", "relay.example.org:443"),
        (b"ws://relay.example.org", "/", "relay.example.org"),
        (b"wss://relay.example.org?a=b/c", "/", "relay.example.org"),
        (b"HTTP://Relay.Example.ORG/Health", "/Health", "Relay.Example.ORG"),
        (b"WsS://[2001:DB8::1]:8443/v3", "/v3", "[2001:DB8::1]:8443"),
        (b"http://my_nas:/", "/", "my_nas"),
        (b"http://192.0.2.7//x", "//x", "192.0.2.7"),
        (b"http://a/http://b/", "/http://b/", "a"),
        (b"http://a?b#c", "/", "a"),
    ],
)
def test_the_host_of_an_absolute_target_holds_instead_of_the_header(
    target: bytes, path: str, host: str
) -> None:
    for version, fields in ((b"1.1", b"Host: other\r\n"), (b"1.0", b"")):
        first = b"GET " + target + b" HTTP/" + version + b"\r\n"
        request = read_request(first + fields + b"\r\n")
        assert (request.path, request.header("host")) == (path, host)


@pytest.mark.parametrize("fields", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhost: b\r\n"])
def test_an_absolute_target_does_not_excuse_a_bad_host(fields: bytes) -> None:
    assert refusal_of(b"GET http://a/ HTTP/1.1\r\n" + fields + b"\r\n").status == 400


@pytest.mark.parametrize("target", [b"/", b"*", b"relay.example.org:443", b"http://a/"])
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"OPTIONS", b"CONNECT", b"PRI", b"get"])
def test_other_methods_than_get_and_head_are_refused(method: bytes, target: bytes) -> None:
    refusal = refusal_of(head(first=method + b" " + target + b" HTTP/1.1"))
    assert (refusal.status, refusal.headers) == (405, (("Allow", "GET, HEAD"),))


@pytest.mark.parametrize("target", [b"/", b"/v3", b"relay.example.org:443"])
def test_a_websocket_of_http_2_that_became_no_upgrade_is_blamed_on_a_proxy(target: bytes) -> None:
    first = b"CONNECT " + target + b" HTTP/1.1"
    refusal = refusal_of(head(b"Sec-WebSocket-Version: 13", first=first))
    assert (refusal.status, refusal.counted) == (400, "upgrade_lost")
    assert "without the method GET." in refusal.detail


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: 1"],
        [b"Content-Length: 00"],
        [b"Content-Length: +0"],
        [b"Content-Length: -1"],
        [b"Content-Length: 0x0"],
        [b"Content-Length:"],
        [b"Content-Length: 0, 1"],
        [b"Content-Length: " + b"9" * 18],
        [b"Content-Length: " + b"9" * 5000],
        [b"Content-Length: " + b"0" * 5000],
        [b"Content-Length: 1_0"],
        [b"Content-Length: 3", b"Content-Length: 0"],
        [b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: CHUNKED"],
        [b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding:"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 0"],
    ],
)
def test_a_request_with_a_body_is_refused(lines: list[bytes]) -> None:
    for method in (b"GET", b"POST"):
        assert refusal_of(head(*lines, first=method + b" / HTTP/1.1")).status == 400


def test_a_request_may_say_that_it_has_no_body() -> None:
    assert "content-length" in read_request(head(b"Content-Length: 0"))


@pytest.mark.parametrize("values", [(b"0", b"0"), (b"0", b"1")])
@pytest.mark.parametrize(
    "name",
    [
        b"Authorization",
        b"Host",
        b"Origin",
        b"Sec-WebSocket-Key",
        b"Sec-WebSocket-Version",
        b"X-VaultMesh-Channel",
    ],
)
def test_a_header_with_one_value_may_not_come_twice(
    name: bytes, values: tuple[bytes, bytes]
) -> None:
    lines = [name + b": " + values[0], name.lower() + b": " + values[1]]
    host = b"Some: header" if name == b"Host" else b"Host: a"
    assert refusal_of(head(*lines, host=host)).status == 400


def test_http_1_1_needs_a_host() -> None:
    assert refusal_of(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status == 400


def test_the_refusal_repeats_nothing_of_the_request() -> None:
    for raw in (
        head(b"c2VjcmV0 : c2VjcmV0"),
        head(first=b"c2VjcmV0 /c2VjcmV0 HTTP/1.1"),
        head(first=b"GET c2VjcmV0 HTTP/1.1"),
        head(b"Origin: c2VjcmV0", b"Origin: c2VjcmV0"),
        head(b"Content-Length: c2VjcmV0"),
    ):
        assert b"c2VjcmV0" not in refusal_of(raw).response()


def test_the_representation_tells_no_header() -> None:
    assert "c2VjcmV0" not in repr(read_request(head(b"Authorization: Bearer c2VjcmV0")))


# What a request says of itself.

UPGRADE, CONNECTION = "'Upgrade: websocket'", "'Connection: Upgrade'"


def test_a_header_is_found_by_its_lower_case_name() -> None:
    request = read_request(head(b"X-Some:  a b\t", b"X-Empty:"))
    assert request.header("x-some") == "a b"
    assert request.header("x-empty") == ""
    assert request.header("x-other") is None
    assert "x-some" in request
    assert "x-empty" in request
    assert "x-other" not in request


@pytest.mark.parametrize(
    ("lines", "elements"),
    [
        ([], []),
        ([b"List:"], []),
        ([b"List: a"], ["a"]),
        ([b"List: a,b ,\tC"], ["a", "b", "C"]),
        ([b"List: ,, a, ,"], ["a"]),
        ([b"List: a, b", b"Other: x", b"LIST: c"], ["a", "b", "c"]),
        ([b"List: 3\xa0"], ["3\xa0"]),
        ([b"List: 3, \x85"], ["3", "\x85"]),
    ],
)
def test_the_lines_of_a_list_header_are_one_list(lines: list[bytes], elements: list[str]) -> None:
    assert read_request(head(*lines)).elements("list") == elements


@pytest.mark.parametrize(
    ("lines", "wants", "lost"),
    [
        ([b"Upgrade: websocket", b"Connection: Upgrade"], True, ""),
        ([b"Upgrade: WebSocket", b"Connection: keep-alive, UPGRADE"], True, ""),
        ([b"Upgrade: h2c, websocket", b"Connection: close", b"Connection: upgrade"], True, ""),
        ([b"Upgrade: websocket", b"Connection: Upgrade", b"X-VaultMesh-Protocol: 3"], True, ""),
        ([], False, ""),
        ([b"Connection: Upgrade"], False, ""),
        ([b"Upgrade: websockets", b"Connection: Upgrade"], False, ""),
        ([b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings"], False, ""),
        ([b"Upgrade: websocket"], False, CONNECTION),
        ([b"Upgrade: websocket", b"Connection: Upgraded"], False, CONNECTION),
        ([b"Upgrade: websocket", b"Connection: keep-alive"], False, CONNECTION),
        ([b"Upgrade: websocket", b"Sec-WebSocket-Key: x"], False, CONNECTION),
        ([b"Sec-WebSocket-Key: x", b"Connection: upgrade"], False, UPGRADE),
        ([b"Sec-WebSocket-Key: x"], False, f"{UPGRADE} and {CONNECTION}"),
        ([b"Sec-WebSocket-Version: 13"], False, f"{UPGRADE} and {CONNECTION}"),
        ([b"Sec-WebSocket-Protocol: vaultmesh.3"], False, f"{UPGRADE} and {CONNECTION}"),
        (
            [b"Sec-WebSocket-Extensions: x", b"Connection: close"],
            False,
            f"{UPGRADE} and {CONNECTION}",
        ),
        ([b"X-VaultMesh-Protocol: 3"], False, f"{UPGRADE} and {CONNECTION}"),
        ([b"X-VaultMesh-Channel: x", b"Upgrade: h2c"], False, f"{UPGRADE} and {CONNECTION}"),
    ],
)
def test_whether_it_is_a_websocket_or_was_meant_as_one(
    lines: list[bytes], wants: bool, lost: str
) -> None:
    request = read_request(head(*lines))
    assert request.wants_websocket is wants
    assert request.lost_fields == lost


# Whatever comes.

PIECES = st.sampled_from(
    [
        *(b"GET", b"/", b" ", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b":", b": ", b"\t"),
        *(b"Host: a\r\n", b"Content-Length", b"Transfer-Encoding", b"chunked", b"0", b"9" * 30),
        *(b"\x00", b"\x0b", b"\x85", b"\xa0", b"\xff", b",", b";", b"Connection: close\r\n"),
    ]
)
HEADS = (
    st.binary(max_size=60)
    | st.lists(PIECES, max_size=12).map(b"".join)
    | st.lists(PIECES, max_size=6).map(
        lambda pieces: b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(pieces) + b"\r\n\r\n"
    )
    | st.builds(
        lambda at, length, junk: GOOD[:at] + junk + GOOD[at + length :],
        st.integers(0, len(GOOD)),
        st.integers(0, 4),
        st.binary(max_size=4),
    )
)


@FUZZ
@given(HEADS)
def test_whatever_comes_is_a_clean_request_or_a_refusal(raw: bytes) -> None:
    try:
        request = read_request(raw)
    except Refusal:
        return
    assert request.method in ("GET", "HEAD")
    assert request.path.startswith("/")
    everything = b"".join([*request.headers, *request.headers.values(), request.path.encode()])
    assert not set(everything) & set(CONTROL_BYTES)
    assert all(name.isascii() and name == name.lower().strip() for name in request.headers)
    assert request.headers.get(b"content-length", b"0") == b"0"
    assert b"transfer-encoding" not in request.headers


def test_a_missing_host_is_named() -> None:
    assert "Host" in refusal_of(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").detail


def test_a_head_has_so_many_lines_and_no_more() -> None:
    """Thousands of short ones would take milliseconds to read."""
    # The request line, Host and the empty line are lines, too.
    maximum = HEAD_LINES - 3
    assert len(read_request(head(*[b"a: b"] * maximum)).elements("a")) == maximum
    assert refusal_of(head(*[b"a: b"] * (maximum + 1))).status == 431
