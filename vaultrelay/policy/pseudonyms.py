"""Pseudonyms: short names for addresses and channels, valid for one day. Knows no clock.

They are hashes under a random key, which is in memory only and replaced on each day of UTC. The
events of one device in one day can be correlated. A log does not reveal the address or channel
behind a pseudonym, not even to a search of all addresses, nor link two days.

An IPv6 address is named by its first 64 bits, as its budget is (`policy/addresses.py`): a device
changes its address within them at will, often on the same day. All of an IPv4 address counts.
"""

import secrets
from collections.abc import Callable
from hashlib import blake2b

from vaultrelay.policy.addresses import IpAddress, network_of
from vaultrelay.policy.limits.logs import PSEUDONYM_CHARACTERS, PSEUDONYM_SECONDS

_KEY_BYTES = 32
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's, in which no two characters look the same. Its size divides 256, so that the
characters of random bytes are equally likely."""


def _new_key() -> bytes:
    return secrets.token_bytes(_KEY_BYTES)


class Pseudonyms:
    """The pseudonyms of one relay; `now` is the wall clock, in seconds of Unix time."""

    def __init__(self, new_key: Callable[[], bytes] = _new_key) -> None:
        self._new_key = new_key
        self._key = b""
        self._day: int | None = None

    def of_address(self, address: IpAddress, now: float) -> str:
        """Return the pseudonym of an address for today, such as a-5k2j9x."""
        return "a-" + self._short(b"address", network_of(address), now)

    def of_channel(self, channel: bytes, now: float) -> str:
        """Return the pseudonym of a channel for today, such as c-8m3k1z."""
        return "c-" + self._short(b"channel", channel, now)

    def _short(self, kind: bytes, subject: bytes, now: float) -> str:
        day = int(now // PSEUDONYM_SECONDS)
        if day != self._day:
            # Also after the clock was set back: a dropped key never returns.
            self._day, self._key = day, self._new_key()
        size = PSEUDONYM_CHARACTERS
        digest = blake2b(subject, digest_size=size, key=self._key, person=kind).digest()
        return "".join([_ALPHABET[byte % len(_ALPHABET)] for byte in digest])
