"""The upgrade: the request that turns a connection into a WebSocket (protocol page, Upgrade)."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha1

from vaultrelay.wire import VERSION, base64url
from vaultrelay.wire.proof import CHANNEL_BYTES
from vaultrelay.wire.refusal import bad_request, not_found, protocol_unsupported, upgrade_lost
from vaultrelay.wire.request import Request

VERSIONS = (VERSION,)
"""The protocol versions that this relay speaks, highest first."""
PATHS = frozenset({"/", "/v3"})

_SUBPROTOCOL = "vaultmesh."
_CHANNEL_SUBPROTOCOL = "vaultmesh.channel."
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16
_KEY_CHARS = 24
_MAX_VERSION_CHARS = 4
"""Digits. No protocol has a version above 9999, and int() is slow for a million digits."""


@dataclass(frozen=True)
class Upgrade:
    """A checked upgrade: the agreed version, and the channel if it was named.

    `subprotocol` is what the 101 must name, because a browser offered it.
    """

    version: int
    key: str
    subprotocol: str | None
    channel: bytes | None

    def response(self) -> bytes:
        """Return the 101 that grants it (RFC 6455, section 4.2.2)."""
        digest = sha1(self.key.encode("ascii") + _GUID, usedforsecurity=False).digest()
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {b64encode(digest).decode('ascii')}",
            f"X-VaultMesh-Protocol: {self.version}",
        ]
        if self.subprotocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {self.subprotocol}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def read_upgrade(request: Request) -> Upgrade:
    """Return the upgrade that `request` asks for. Raises Refusal if the relay cannot grant it."""
    if request.path not in PATHS:
        raise not_found()
    if request.method != "GET":
        raise bad_request("A WebSocket upgrade requires the method GET.")
    if request.version != "1.1":
        raise upgrade_lost("HTTP/1.1 in its first line")
    if request.header("sec-websocket-version") != "13":
        raise bad_request(
            "This relay speaks WebSocket version 13 (RFC 6455).", ("Sec-WebSocket-Version", "13")
        )
    key = request.header("sec-websocket-key")
    if key is None:
        # No client omits it; a converter from HTTP/2 to HTTP/1.1 has to generate one.
        raise upgrade_lost("Sec-WebSocket-Key")
    if not _is_key(key):
        raise bad_request("Sec-WebSocket-Key is not 16 bytes in base64.")
    offered = request.elements("sec-websocket-protocol")
    version = _version(request, offered)
    subprotocol = f"{_SUBPROTOCOL}{version}"
    return Upgrade(
        version, key, subprotocol if subprotocol in offered else None, _channel(request, offered)
    )


def _is_key(text: str) -> bool:
    try:
        return len(text) == _KEY_CHARS and len(b64decode(text, validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def _version(request: Request, offered: list[str]) -> int:
    texts = request.elements("x-vaultmesh-protocol") or [
        name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)
    ]
    asked = {
        int(text)
        for text in texts
        if text.isascii()
        and text.isdigit()
        and not text.startswith("0")
        and len(text) <= _MAX_VERSION_CHARS
    }
    for version in VERSIONS:
        if version in asked:
            return version
    raise protocol_unsupported(VERSIONS)


def _channel(request: Request, offered: list[str]) -> bytes | None:
    named = [
        name.removeprefix(_CHANNEL_SUBPROTOCOL)
        for name in offered
        if name.startswith(_CHANNEL_SUBPROTOCOL)
    ]
    header = request.header("x-vaultmesh-channel")
    if header is not None:
        named.append(header)
    if not named:
        return None
    if len(set(named)) > 1:
        raise bad_request("The upgrade names two channels.")
    try:
        return base64url.decode(named[0], CHANNEL_BYTES)
    except ValueError:
        raise bad_request(
            "The channel is not 32 bytes in base64url without padding, canonically spelled."
        ) from None
