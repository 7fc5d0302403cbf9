"""Access rules: tokens, channels, network addresses and web origins that may use the relay."""

import binascii
from base64 import b64decode
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from vaultrelay.policy.access_token import digest_of
from vaultrelay.policy.addresses import PeerAddress
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins, origin_of
from vaultrelay.wire.refusal import address_not_allowed, origin_not_allowed, token_required


class Tokens:
    """Access tokens, kept as their SHA-256, so that a memory dump reveals none."""

    def __init__(self, digests: Iterable[bytes]) -> None:
        self._digests = frozenset(digests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokens) and self._digests == other._digests

    def __hash__(self) -> int:
        return hash(self._digests)

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, digest: bytes | None) -> bool:
        return digest in self._digests

    def find(self, token: bytes) -> bytes | None:
        """Return the digest of `token` if it is listed, else None.

        Compares all digests, so that the time reveals neither which one matched nor how close a
        guess is.
        """
        digest = digest_of(token)
        found = None
        for known in self._digests:
            if compare_digest(known, digest):
                found = known
        return found


@dataclass(frozen=True, slots=True)
class Admission:
    """The facts under which an upgrade was admitted: budgets, address, digest of the token, and web
    origin, if any."""

    budgets: Budgets = ()
    address: PeerAddress | None = None
    token: bytes | None = None
    origin: str | None = None


ANONYMOUS = Admission()
"""An admission without anything to remember."""


@dataclass(frozen=True)
class Access:
    """The access rules; None means no such list. A denied address stays denied if it is allowed,
    too."""

    tokens: Tokens | None = field(default=None, repr=False)
    channels: Collection[bytes] | None = field(default=None, repr=False)
    allowed: Networks | None = None
    denied: Networks = field(default_factory=Networks)
    origins: Origins | None = None

    def check_address(self, address: PeerAddress | None) -> None:
        """Raises Refusal if an address may not use the relay; None is an unknown address."""
        if not self.allows_address(address):
            raise address_not_allowed()

    def check_token(self, authorization: str | None) -> bytes | None:
        """Return the digest of the token in an Authorization header; None if no token is required.

        Raises Refusal if the token is missing or not listed.
        """
        if self.tokens is None:
            return None
        token = token_of(authorization or "")
        found = self.tokens.find(token) if token else None
        if found is None:
            raise token_required(is_wrong=authorization is not None)
        return found

    def check_origin(self, header: str | None) -> str | None:
        """Return the origin in an Origin header; None without the header, which every browser
        sends.

        Raises Refusal if web pages of this origin may not connect.
        """
        origin = None if header is None else origin_of(header)
        if not self.allows_origin(origin):
            raise origin_not_allowed()
        return origin

    def allows_origin(self, origin: str | None) -> bool:
        """Return whether web pages of an origin may connect; None is no web page."""
        return origin is None or self.origins is None or origin in self.origins

    def allows_address(self, address: PeerAddress | None) -> bool:
        """Return whether an address may use the relay."""
        return address not in self.denied and (self.allowed is None or address in self.allowed)

    def allows_channel(self, channel: bytes) -> bool:
        """Return whether devices may join a channel."""
        return self.channels is None or channel in self.channels

    def still_allows(
        self,
        address: PeerAddress | None,
        token: bytes | None,
        channel: bytes | None,
        origin: str | None = None,
    ) -> bool:
        """Return whether these rules admit a device that was admitted under other ones."""
        return (
            self.allows_address(address)
            and self.allows_origin(origin)
            and (self.tokens is None or token in self.tokens)
            and (channel is None or self.allows_channel(channel))
        )


def token_of(authorization: str) -> bytes:
    """Return the token of a Bearer header (RFC 6750), or the password of a Basic one (RFC 7617).

    Empty if there is none.
    """
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip(" ")
    if scheme.lower() == "bearer":
        return rest.encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return b64decode(rest, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""
