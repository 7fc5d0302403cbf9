"""AccessOptions: the access rules."""

from collections.abc import Collection
from dataclasses import dataclass

from vaultrelay.config import address_kinds
from vaultrelay.config.option import option
from vaultrelay.config.option_kinds import ListFile
from vaultrelay.policy.access import Tokens
from vaultrelay.policy.access_lists import read_channels, read_tokens
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins

_GROUP = "Access"


@dataclass(frozen=True)
class AccessOptions:
    """The access rules; None if such a list does not restrict access."""

    tokens: Tokens | None = option(
        "access-token-file",
        ListFile(
            "FILE",
            lines=read_tokens,
            noun="token",
            if_empty="contains no token, so no device could connect. Create one: vault-relay token "
            "new",
        ),
        None,
        _GROUP,
        "File of access tokens, one per line, plain or as label:sha256 (see vault-relay token). "
        "Devices without a valid token are refused.",
        example="/etc/vault-relay/tokens",
        guard=True,
    )
    channels: Collection[bytes] | None = option(
        "allow-channels",
        ListFile(
            "FILE",
            lines=read_channels,
            noun="channel",
            if_empty="contains no channel, so no device could join",
        ),
        None,
        _GROUP,
        "File of channels, one per line. Devices can join only these channels.",
        example="/etc/vault-relay/channels",
        guard=True,
    )
    allowed: Networks | None = option(
        "allow-from",
        address_kinds.networks(
            "the list is empty, so no device could connect; remove it to allow all", "nobody"
        ),
        None,
        _GROUP,
        "Address or network from which devices may connect, or unix for unix sockets. Default: all "
        "addresses.",
        example="192.0.2.0/24",
        guard=True,
    )
    denied: Networks = option(
        "deny-from",
        address_kinds.networks(),
        Networks(),
        _GROUP,
        "Address or network from which no device may connect, even if --allow-from includes it.",
        example="192.0.2.66",
    )
    origins: Origins | None = option(
        "allow-origin",
        address_kinds.ORIGINS,
        None,
        _GROUP,
        "Origin of web pages that may connect, such as https://app.example.org. Native apps, which "
        "send no Origin header, are not affected. Default: all origins, but none if --allow-from "
        "is set.",
        example="https://app.example.org",
        guard=True,
        effective="access.origins",
    )
