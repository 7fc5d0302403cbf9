"""Request: one HTTP request to the relay, and what it says of itself."""

import re
from dataclasses import dataclass, field
from functools import cached_property

from vaultrelay.wire.refusal import bad_request, method_not_allowed, upgrade_lost
from vaultrelay.wire.request_parser import parse_head

_ABSOLUTE = re.compile(
    r"(?:https?|wss?)://(?P<authority>(?:\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::[0-9]{0,5})?)"
    r"(?P<rest>[/?].*)?",
    re.IGNORECASE,
)
"""A target with scheme and host, as proxies get it (RFC 9112, section 3.2.2). Without userinfo,
which no client may send (RFC 9110, section 4.2.4)."""
_WEBSOCKET_FIELDS = frozenset(
    {
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
        b"x-vaultmesh-channel",
        b"x-vaultmesh-protocol",
    }
)
"""Header fields of an upgrade that proxies forward although they drop the upgrade itself."""


@dataclass(frozen=True)
class Request:
    """One request: method, path without the query, and the header fields by lower-case name."""

    method: str
    path: str
    version: str
    headers: dict[bytes, bytes] = field(repr=False)

    def header(self, name: str) -> str | None:
        """Return the value of a field, its lines joined by commas; None if it is missing."""
        value = self.headers.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def elements(self, name: str) -> list[str]:
        """Return the elements of a list field, in order, without empty ones (RFC 9110, section
        5.6.1)."""
        return [
            element
            for part in (self.header(name) or "").split(",")
            if (element := part.strip(" \t"))
        ]

    def has_element(self, name: str, element: str) -> bool:
        """Return whether a list field has an element, case-insensitively; `element` is in lower
        case."""
        parts = (self.header(name) or "").lower().split(",")
        return element in [part.strip(" \t") for part in parts]

    @cached_property
    def wants_websocket(self) -> bool:
        """Return whether this is the start of a WebSocket (RFC 6455, section 4.2.1)."""
        return self.has_element("upgrade", "websocket") and self.has_element(
            "connection", "upgrade"
        )

    @property
    def lost_fields(self) -> str:
        """Return the fields that a device must have sent and a proxy dropped; empty without
        evidence.

        `Connection: Upgrade` is no evidence by itself: some proxies add it to every request.
        """
        upgrades = self.has_element("upgrade", "websocket")
        if _WEBSOCKET_FIELDS.isdisjoint(self.headers) and not upgrades:
            return ""
        fields = [] if upgrades else ["'Upgrade: websocket'"]
        if not self.has_element("connection", "upgrade"):
            fields.append("'Connection: Upgrade'")
        return " and ".join(fields)

    def __contains__(self, name: str) -> bool:
        return name.encode("ascii") in self.headers


def read_request(head: bytes) -> Request:
    """Return the request of a head, which includes its empty line. Raises Refusal for an invalid
    one."""
    method, raw_target, version, headers = parse_head(head)
    if method == b"CONNECT" and not _WEBSOCKET_FIELDS.isdisjoint(headers):
        # The start of a WebSocket in HTTP/2 (RFC 8441), forwarded in HTTP/1.1 unchanged.
        raise upgrade_lost("the method GET")
    if method not in (b"GET", b"HEAD"):
        raise method_not_allowed()
    target = raw_target.decode("ascii")
    if not target.startswith("/"):
        target, headers[b"host"] = _origin_form(target)
    path = target.partition("?")[0]
    return Request(method.decode("ascii"), path, version.decode("ascii"), headers)


def _origin_form(target: str) -> tuple[str, bytes]:
    """Return path and host of an absolute target, which override Host. Raises Refusal for
    another."""
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise bad_request("The request target is neither a path nor a URL such as http://host/.")
    rest = found["rest"] or ""
    path = rest if rest.startswith("/") else "/" + rest
    return path, found["authority"].removesuffix(":").encode("ascii")
