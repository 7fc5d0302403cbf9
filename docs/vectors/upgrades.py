"""Upgrades that a relay accepts."""

from vectors.common import Json, b64
from vectors.joining import PLAIN

HOST = "Host: relay.example.org"
WEBSOCKET = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
VERSION = "Sec-WebSocket-Version: 13"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
BASE = (HOST, WEBSOCKET, CONNECTION, VERSION, KEY)
PROTOCOL = "X-VaultMesh-Protocol: 3"


def head(*lines: str, first: str = "GET / HTTP/1.1") -> str:
    """A request head."""
    return "\r\n".join([first, *lines, "", ""])


def accepted_upgrades() -> list[Json]:
    """Heads that get a 101: the version it names, the subprotocol it names, the channel."""
    address = b64(PLAIN.channel)
    named = f"X-VaultMesh-Channel: {address}"
    browser = "Sec-WebSocket-Protocol: vaultmesh.3"
    whole = (*BASE, PROTOCOL, named)
    found: list[tuple[str, str, str | None, str | None]] = [
        ("an app", head(*whole), None, address),
        ("without the channel", head(*BASE, PROTOCOL), None, None),
        ("the path /v3", head(*whole, first="GET /v3 HTTP/1.1"), None, address),
        (
            "a query, which is not looked at",
            head(*whole, first="GET /?a=b HTTP/1.1"),
            None,
            address,
        ),
        (
            "a URL in place of the path",
            head(*whole, first="GET ws://relay.example.org/v3 HTTP/1.1"),
            None,
            address,
        ),
        (
            "a URL without a path, with a port, in any case",
            head(*whole, first="GET HTTPS://RELAY.Example.ORG:443?a=b HTTP/1.1"),
            None,
            address,
        ),
        (
            "several versions",
            head(*BASE, "X-VaultMesh-Protocol: 4, 3", named),
            None,
            address,
        ),
        (
            "several versions on two lines",
            head(*BASE, "X-VaultMesh-Protocol: 4", PROTOCOL, named),
            None,
            address,
        ),
        (
            "names of headers, and words of Upgrade and Connection, in any case",
            head(
                HOST.upper(),
                "UPGRADE: WebSocket",
                "connection: keep-alive, upgrade",
                VERSION.lower(),
                KEY,
                PROTOCOL.lower(),
                named,
            ),
            None,
            address,
        ),
        (
            "extensions, which are never taken",
            head(*whole, "Sec-WebSocket-Extensions: permessage-deflate"),
            None,
            address,
        ),
        ("with an access token", head(*whole, "Authorization: Bearer TOKEN"), None, address),
        (
            "a browser",
            head(
                *BASE,
                "Origin: https://vault.example.org",
                f"{browser}, vaultmesh.channel.{address}",
            ),
            "vaultmesh.3",
            address,
        ),
        ("a browser without the channel", head(*BASE, browser), "vaultmesh.3", None),
        (
            "a browser that speaks several versions",
            head(
                *BASE,
                f"Sec-WebSocket-Protocol: vaultmesh.4, vaultmesh.channel.{address}, vaultmesh.3",
            ),
            "vaultmesh.3",
            address,
        ),
        (
            "header and subprotocol together",
            head(*whole, f"{browser}, vaultmesh.channel.{address}"),
            "vaultmesh.3",
            address,
        ),
    ]
    return [
        {
            "name": name,
            "head": text,
            "protocol": 3,
            "subprotocol": subprotocol,
            "channel": None if channel is None else PLAIN.channel.hex(),
        }
        for name, text, subprotocol, channel in found
    ]
