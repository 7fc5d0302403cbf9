"""Access: who may use the relay, by token, channel, network address and web page."""

import binascii
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from vaultrelay.policy.access_token import digest_of
from vaultrelay.policy.addresses import PeerAddress
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins, origin_of
from vaultrelay.wire.refusal import address_not_allowed, origin_not_allowed, token_required


class Tokens:
    """Access tokens, kept as their SHA-256: whoever reads the memory has no token."""

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
        """The digest of a token that is one of them.

        All are compared, so that the time tells neither which one it was nor how near a guess came.
        """
        digest = digest_of(token)
        found = None
        for known in self._digests:
            if compare_digest(known, digest):
                found = known
        return found


@dataclass(frozen=True, slots=True)
class Admission:
    """What an upgrade was admitted with: its budgets, its address, the digest of its token, and the
    origin of its web page, if it has one."""

    budgets: Budgets = ()
    address: PeerAddress | None = None
    token: bytes | None = None
    origin: str | None = None


ANYBODY = Admission()
"""Who came with nothing that the relay would remember."""


@dataclass(frozen=True)
class Access:
    """What the operator allows; None is no such list. What is denied is denied though allowed."""

    tokens: Tokens | None = field(default=None, repr=False)
    channels: frozenset[bytes] | None = field(default=None, repr=False)
    allowed: Networks | None = None
    denied: Networks = field(default_factory=Networks)
    origins: Origins | None = None

    def check_address(self, address: PeerAddress | None) -> None:
        """Refusal for an address that may not use the relay; None is one that is not known."""
        if not self.allows_address(address):
            raise address_not_allowed()

    def check_token(self, authorization: str | None) -> bytes | None:
        """The digest of the token in an Authorization header, if one is asked for; or Refusal."""
        if self.tokens is None:
            return None
        token = token_of(authorization or "")
        found = self.tokens.find(token) if token else None
        if found is None:
            raise token_required(was_given=authorization is not None)
        return found

    def check_origin(self, header: str | None) -> str | None:
        """The origin in an Origin header; None for a request without, which no browser sends.

        Raises Refusal if web pages of this origin may not connect.
        """
        origin = None if header is None else origin_of(header)
        if not self.allows_origin(origin):
            raise origin_not_allowed()
        return origin

    def allows_origin(self, origin: str | None) -> bool:
        """Whether web pages of an origin may connect; None is no web page."""
        return origin is None or self.origins is None or origin in self.origins

    def allows_address(self, address: PeerAddress | None) -> bool:
        """Whether an address may use the relay."""
        return address not in self.denied and (self.allowed is None or address in self.allowed)

    def allows_channel(self, channel: bytes) -> bool:
        """Whether devices may meet on a channel."""
        return self.channels is None or channel in self.channels

    def still_allows(
        self,
        address: PeerAddress | None,
        token: bytes | None,
        channel: bytes | None,
        origin: str | None = None,
    ) -> bool:
        """Whether a device that was admitted under other rules would be under these."""
        return (
            self.allows_address(address)
            and self.allows_origin(origin)
            and (self.tokens is None or token in self.tokens)
            and (channel is None or self.allows_channel(channel))
        )


def token_of(authorization: str) -> bytes:
    """The token of a Bearer header (RFC 6750), or the password of a Basic one (RFC 7617).

    Empty where there is none.
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
