"""The relay's own URL, from its options, or else from this machine's addresses."""

import socket
import sys
from contextlib import suppress
from ipaddress import ip_address

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.standard_streams import can_encode
from vaultrelay.config.settings import Settings
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.relay_url import RelayUrl

_UNASSIGNED = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses of other hosts (RFC 5737, RFC 3849): which of ours would be used to reach them?"""


def find_url(settings: Settings) -> tuple[str, str]:
    """Return the relay's URL, and its origin."""
    if settings.urls_to_show:
        url = settings.urls_to_show[0]
        # Standard output may be unable to encode an internationalized name.
        printed = url if can_encode(sys.stdout, url) else str(RelayUrl.read(url))
        return printed, "the relay's --public-url"
    if settings.listen or settings.port == 0:
        stop_with(
            "the relay's options do not show which port devices connect to; set the relay's URL "
            "with --public-url, such as wss://relay.example.org"
        )
    for pair in settings.certificates:
        for name in pair.names:
            with suppress(ValueError):
                if not name.startswith("*"):
                    url = str(RelayUrl("wss", canonical_host(name), settings.port))
                    return url, "a name from its certificate"
    scheme = "wss" if settings.certificates else "ws"
    url = str(RelayUrl(scheme, own_address(settings.bind), settings.port))
    return url, "a guess from the addresses of this machine; set the right one with --public-url"


def own_address(bind: str) -> str:
    """Return the most probable address of this machine for other hosts."""
    if not ip_address(bind).is_unspecified:
        return bind
    for address, family in _UNASSIGNED:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Nothing is sent; the system only chooses a route.
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    return "127.0.0.1"
