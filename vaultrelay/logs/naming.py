"""Log names: how a line names the address and the channel that it is about."""

import time
from collections.abc import Callable

from vaultrelay.policy.addresses import PeerAddress, UnixPeer
from vaultrelay.policy.pseudonyms import Pseudonyms

WAYS = ("none", "pseudonym", "full")
"""What the operator can choose for addresses. A channel has a pseudonym or, with "none", no name:
it is the vault's own lasting key, and in full it is never told."""
UNKNOWN = "unknown"
"""The address of who comes over a unix socket, or through a proxy that does not say."""


class Names:
    """Names addresses and channels in one of WAYS. `clock` is the wall clock, in Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.way = "pseudonym"
        self._clock = clock
        self._pseudonyms = Pseudonyms()

    def of(self, address: PeerAddress | None, channel: bytes | None = None) -> dict[str, str]:
        """The fields of a line about this address, and about this channel if there is one."""
        if self.way == "none":
            return {}
        fields = {"address": self._address(address)}
        if channel is not None:
            fields["channel"] = self._pseudonyms.of_channel(channel, self._clock())
        return fields

    def _address(self, address: PeerAddress | None) -> str:
        if address is None or isinstance(address, UnixPeer):
            return UNKNOWN
        if self.way == "full":
            return str(address)
        return self._pseudonyms.of_address(address, self._clock())
