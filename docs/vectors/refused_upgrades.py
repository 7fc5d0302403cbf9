"""Upgrades that a relay refuses, and its answers."""

from vectors.common import Json, b64, sample
from vectors.joining import PLAIN
from vectors.keys import channel_of
from vectors.upgrades import BASE, HOST, KEY, PROTOCOL, head


def refused_upgrades() -> list[Json]:
    """Heads that get an HTTP answer: its status and the `error` of its JSON body."""
    address = b64(PLAIN.channel)
    other = b64(channel_of(sample("another channel", 32)))
    # 32 bytes leave two spare bits in the last character; the next letter sets one of them.
    spare = address[:-1] + chr(ord(address[-1]) + 1)
    unsupported = (426, "protocol_unsupported")
    bad = (400, "bad_request")
    subprotocol = "Sec-WebSocket-Protocol"
    found = [
        ("no version", unsupported, head(*BASE)),
        ("no version in common", unsupported, head(*BASE, "X-VaultMesh-Protocol: 2, 4")),
        (
            "a version that is no whole number",
            unsupported,
            head(*BASE, "X-VaultMesh-Protocol: 3.0"),
        ),
        ("an empty version", unsupported, head(*BASE, "X-VaultMesh-Protocol:")),
        ("a version with a leading zero", unsupported, head(*BASE, "X-VaultMesh-Protocol: 03")),
        (
            "the header counts, not the subprotocol",
            unsupported,
            head(*BASE, "X-VaultMesh-Protocol: 4", f"{subprotocol}: vaultmesh.3"),
        ),
        (
            "a browser that offers its channel only",
            unsupported,
            head(*BASE, f"{subprotocol}: vaultmesh.channel.{address}"),
        ),
        (
            "subprotocols know upper and lower case",
            unsupported,
            head(*BASE, f"{subprotocol}: VaultMesh.3"),
        ),
        ("a channel with padding", bad, head(*BASE, PROTOCOL, f"X-VaultMesh-Channel: {address}=")),
        ("a channel with a spare bit", bad, head(*BASE, PROTOCOL, f"X-VaultMesh-Channel: {spare}")),
        (
            "a channel in hex",
            bad,
            head(*BASE, PROTOCOL, f"X-VaultMesh-Channel: {PLAIN.channel.hex()}"),
        ),
        ("an empty channel", bad, head(*BASE, PROTOCOL, "X-VaultMesh-Channel:")),
        (
            "a channel of a browser with a spare bit",
            bad,
            head(*BASE, f"{subprotocol}: vaultmesh.3, vaultmesh.channel.{spare}"),
        ),
        (
            "two channels",
            bad,
            head(
                *BASE,
                PROTOCOL,
                f"X-VaultMesh-Channel: {address}",
                f"{subprotocol}: vaultmesh.channel.{other}",
            ),
        ),
        (
            "the channel's header twice",
            bad,
            head(*BASE, PROTOCOL, *[f"X-VaultMesh-Channel: {address}"] * 2),
        ),
        ("another path", (404, "not_found"), head(*BASE, PROTOCOL, first="GET /v4 HTTP/1.1")),
        (
            "another method",
            (405, "method_not_allowed"),
            head(*BASE, PROTOCOL, first="POST / HTTP/1.1"),
        ),
        ("HTTP/1.0", bad, head(*BASE, PROTOCOL, first="GET / HTTP/1.0")),
        ("a target that is no path", bad, head(*BASE, PROTOCOL, first="GET * HTTP/1.1")),
        ("a URL without a host", bad, head(*BASE, PROTOCOL, first="GET ws:///v3 HTTP/1.1")),
        ("a URL with a user", bad, head(*BASE, PROTOCOL, first="GET ws://u@a/ HTTP/1.1")),
        ("a URL of another scheme", bad, head(*BASE, PROTOCOL, first="GET ftp://a/ HTTP/1.1")),
        (
            "a URL does not do for Host",
            bad,
            head(*BASE[1:], PROTOCOL, first="GET ws://relay.example.org/ HTTP/1.1"),
        ),
        (
            "a URL with another path",
            (404, "not_found"),
            head(*BASE, PROTOCOL, first="GET ws://relay.example.org/v4 HTTP/1.1"),
        ),
        (
            "a tunnel",
            (405, "method_not_allowed"),
            head(HOST, first="CONNECT relay.example.org:443 HTTP/1.1"),
        ),
        (
            "a WebSocket of HTTP/2 that became no upgrade",
            bad,
            head(*BASE, PROTOCOL, first="CONNECT / HTTP/1.1"),
        ),
        ("no Host", bad, head(*BASE[1:], PROTOCOL)),
        ("two Hosts", bad, head(HOST, *BASE, PROTOCOL)),
        (
            "two tokens",
            bad,
            head(*BASE, PROTOCOL, "Authorization: Bearer A", "Authorization: Bearer B"),
        ),
        ("no WebSocket version", bad, head(*BASE[:3], KEY, PROTOCOL)),
        (
            "an old WebSocket version",
            bad,
            head(*BASE[:3], "Sec-WebSocket-Version: 8", KEY, PROTOCOL),
        ),
        ("no WebSocket key", bad, head(*BASE[:4], PROTOCOL)),
        (
            "a WebSocket key of 15 bytes",
            bad,
            head(*BASE[:4], "Sec-WebSocket-Key: " + "A" * 20, PROTOCOL),
        ),
        ("a body", bad, head(*BASE, PROTOCOL, "Content-Length: 1")),
        ("a chunked body", bad, head(*BASE, PROTOCOL, "Transfer-Encoding: chunked")),
        ("bare line feeds", bad, head(*BASE, PROTOCOL).replace("\r\n", "\n", 1)),
        ("a folded line", bad, head(*BASE, "X-VaultMesh-Protocol:\r\n 3")),
        ("a control character", bad, head(*BASE, PROTOCOL, "User-Agent: a\x00b")),
        ("a space before the colon", bad, head(*BASE, "X-VaultMesh-Protocol : 3")),
    ]
    return [
        {"why": why, "head": text, "status": status, "error": error}
        for why, (status, error), text in found
    ]


def refusals() -> list[Json]:
    """What else stands in a refusal: its headers, and the fields of its body beside `detail`."""
    found: list[tuple[int, str, Json, dict[str, str]]] = [
        (400, "bad_request", {}, {}),
        (404, "not_found", {}, {}),
        (405, "method_not_allowed", {}, {"Allow": "GET, HEAD"}),
        (408, "request_timeout", {}, {}),
        (426, "protocol_unsupported", {"supported": [3]}, {"X-VaultMesh-Protocol": "3"}),
        (429, "relay_full", {}, {"Retry-After": "10"}),
        (431, "head_too_large", {}, {}),
        (503, "relay_full", {}, {"Retry-After": "60"}),
        (503, "overloaded", {}, {"Retry-After": "17"}),
        (503, "draining", {}, {"Retry-After": "5"}),
    ]
    common = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    return [
        {"status": status, "body": {"error": error, **more}, "headers": {**common, **headers}}
        for status, error, more, headers in found
    ]
