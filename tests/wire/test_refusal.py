import json

import h11
import pytest

from vaultrelay.wire.refusal import (
    Refusal,
    bad_request,
    draining,
    head_too_large,
    method_not_allowed,
    not_found,
    protocol_unsupported,
    rate_limited,
    relay_full,
    relay_full_of_peers,
    request_timeout,
)


def read_response(raw: bytes) -> tuple[int, str, list[tuple[str, str]], bytes]:
    """Status, phrase, headers and body of a response, as another reader of HTTP sees them."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "relay")]))
    client.send(h11.EndOfMessage())
    client.receive_data(raw)
    head = client.next_event()
    assert isinstance(head, h11.Response)
    assert head.http_version == b"1.1"
    data = client.next_event()
    assert isinstance(data, h11.Data)
    assert isinstance(client.next_event(), h11.EndOfMessage)
    assert client.trailing_data[0] == b""
    headers = [(name.decode(), value.decode()) for name, value in head.headers]
    return head.status_code, head.reason.decode(), headers, bytes(data.data)


REFUSALS = [
    (bad_request("Why."), 400, "Bad Request", "bad_request", []),
    (
        bad_request("Why.", ("Sec-WebSocket-Version", "13")),
        400,
        "Bad Request",
        "bad_request",
        [("sec-websocket-version", "13")],
    ),
    (not_found(), 404, "Not Found", "not_found", []),
    (
        method_not_allowed(),
        405,
        "Method Not Allowed",
        "method_not_allowed",
        [("allow", "GET, HEAD")],
    ),
    (
        rate_limited(60),
        429,
        "Too Many Requests",
        "rate_limited",
        [("retry-after", "60")],
    ),
    (request_timeout(), 408, "Request Timeout", "request_timeout", []),
    (
        protocol_unsupported((4, 3)),
        426,
        "Upgrade Required",
        "protocol_unsupported",
        [("x-vaultmesh-protocol", "4, 3"), ("upgrade", "websocket"), ("connection", "Upgrade")],
    ),
    (head_too_large(8192), 431, "Request Header Fields Too Large", "head_too_large", []),
    (relay_full_of_peers(10), 429, "Too Many Requests", "relay_full", [("retry-after", "10")]),
    (relay_full(60), 503, "Service Unavailable", "relay_full", [("retry-after", "60")]),
    (draining(5), 503, "Service Unavailable", "draining", [("retry-after", "5")]),
]


@pytest.mark.parametrize(("refusal", "status", "phrase", "error", "headers"), REFUSALS)
def test_a_refusal_is_a_whole_response_that_ends_the_connection(
    refusal: Refusal, status: int, phrase: str, error: str, headers: list[tuple[str, str]]
) -> None:
    found_status, found_phrase, found_headers, body = read_response(refusal.response())
    assert (found_status, found_phrase) == (status, phrase)
    assert found_headers == [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
        ("connection", "close"),
        *headers,
    ]
    assert body == refusal.body()
    told = json.loads(body)
    assert told["error"] == refusal.error == error
    assert told["detail"] == refusal.detail == str(refusal)
    assert told["detail"].endswith(".")


def test_the_body_is_compact_json() -> None:
    assert bad_request("Why.").body() == b'{"error":"bad_request","detail":"Why."}'


def test_a_refused_protocol_names_the_supported_ones() -> None:
    body = protocol_unsupported((3,)).body()
    assert body.startswith(b'{"error":"protocol_unsupported","supported":[3],"detail":"')
    assert "protocol 3." in json.loads(body)["detail"]


def test_the_limit_of_a_head_is_named() -> None:
    assert "8192 bytes" in head_too_large(8192).detail


def test_a_sentence_in_any_language_stays_ascii() -> None:
    assert bad_request("Größe\r\n").body() == (
        b'{"error":"bad_request","detail":"Gr\\u00f6\\u00dfe\\r\\n"}'
    )
