"""Log names: the names of addresses and channels in log lines."""

import time
from collections.abc import Callable

from vaultrelay.policy.addresses import PeerAddress, UnixPeer
from vaultrelay.policy.pseudonyms import Pseudonyms

WAYS = ("none", "pseudonym", "full")
"""The operator's choices for addresses. A channel has a pseudonym or, with "none", no name: it is
the vault's permanent key, and never logged in full."""
UNKNOWN = "unknown"
"""The address of a peer on a unix socket, or behind a proxy that does not report it."""


class Names:
    """Names addresses and channels in one of WAYS. `clock` is the wall clock, in Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.way = "pseudonym"
        self._clock = clock
        self._pseudonyms = Pseudonyms()

    def of(self, address: PeerAddress | None, channel: bytes | None = None) -> dict[str, str]:
        """Return the fields of a line about this address, and about this channel if there is
        one."""
        if self.way == "none":
            return {}
        if channel is None:
            return {"address": self._address(address)}
        name = self._pseudonyms.of_channel(channel, self._clock())
        return {"address": self._address(address), "channel": name}

    def _address(self, address: PeerAddress | None) -> str:
        if address is None or isinstance(address, UnixPeer):
            return UNKNOWN
        if self.way == "full":
            return str(address)
        return self._pseudonyms.of_address(address, self._clock())
