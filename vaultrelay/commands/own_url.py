"""The relay's own URL, from its options, or else from this machine's addresses."""

import socket
import sys
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.standard_streams import can_encode
from vaultrelay.config.settings import Settings
from vaultrelay.policy.audience import canonical_host

_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_ELSEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Unassigned addresses (RFC 5737, RFC 3849): which of ours would be used to reach them?"""


def find_url(settings: Settings) -> tuple[str, str]:
    """Return the relay's URL, and its origin."""
    if settings.urls_to_show:
        return _writable(settings.urls_to_show[0]), "the relay's --public-url"
    if settings.listen or settings.port == 0:
        stop_with(
            "the options of the relay do not say on which port devices reach it; name its URL "
            "with --public-url, such as wss://relay.example.org"
        )
    for pair in settings.certificates:
        for name in pair.names:
            with suppress(ValueError):
                if not name.startswith("*"):
                    return _url(
                        "wss", canonical_host(name), settings
                    ), "a name from its certificate"
    scheme = "wss" if settings.certificates else "ws"
    guess = "a guess, from the addresses of this machine; --public-url names the right one"
    return _url(scheme, own_address(settings.bind), settings), guess


def own_address(bind: str) -> str:
    """Return the most probable address of this machine for other hosts."""
    if not ip_address(bind).is_unspecified:
        return bind
    for elsewhere, family in _ELSEWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as nowhere:
            # Nothing is sent; the system only chooses a route.
            nowhere.connect((elsewhere, 9))
            return str(nowhere.getsockname()[0])
    return "127.0.0.1"


def _writable(url: str) -> str:
    """Return `url`, with its host name in A-labels if standard output cannot encode it."""
    if can_encode(sys.stdout, url):
        return url
    parts = urlsplit(url)
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=f"{canonical_host(parts.hostname or '')}{port}").geturl()


def _url(scheme: str, host: str, settings: Settings) -> str:
    port = "" if settings.port == _DEFAULT_PORTS[scheme] else f":{settings.port}"
    return f"{scheme}://[{host}]{port}" if ":" in host else f"{scheme}://{host}{port}"
