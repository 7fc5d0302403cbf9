"""MailboxOptions: what the relay keeps for sleeping devices, if it keeps anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vaultrelay.config.option import option
from vaultrelay.config.option_kinds import Integer, Kind, Switch
from vaultrelay.policy.limits import mailbox as limits
from vaultrelay.wire import announced

_GROUP = "Mailbox"
_MAX_BYTES = 1 << 44


@dataclass(frozen=True)
class MailboxOptions:
    """The mailbox; without a folder there is none. Names of sizes are those of StoreLimits."""

    mailbox: str = option(
        "mailbox",
        Kind("FOLDER"),
        "",
        _GROUP,
        "Folder in which the relay keeps encrypted messages for sleeping devices. Default: none; "
        "the relay keeps nothing.",
        example="/var/lib/vault-relay",
        live=False,
    )
    mailbox_open: bool = option(
        "mailbox-open",
        Switch(),
        False,
        _GROUP,
        "Let devices store messages although neither --access-token-file nor --allow-channels "
        "limits who may use the relay.",
        live=False,
    )
    mailbox_key: str = option(
        "mailbox-key",
        Kind("FILE"),
        "",
        _GROUP,
        "File with the key by which the mailbox names channels. Keep a copy apart from backups of "
        "the mailbox. Default: the file key in the folder of the mailbox.",
        example="/etc/vault-relay/mailbox.key",
        live=False,
        in_status=False,
    )
    retention: int = option(
        "mailbox-retention",
        Integer("SECONDS", within=announced.MAILBOX["retention"]),
        limits.DEFAULT_RETENTION_SECONDS,
        _GROUP,
        "Seconds for which the mailbox keeps a message at most.",
    )
    item_bytes: int = option(
        "mailbox-item-bytes",
        Integer("BYTES", within=announced.MAILBOX["item_bytes"]),
        limits.DEFAULT_ITEM_BYTES,
        _GROUP,
        "Maximum size of a stored message in bytes, without its headers. It must fit into "
        "--message-bytes.",
        effective="max_item_bytes",
    )
    channel_bytes: int = option(
        "mailbox-channel-bytes",
        Integer("BYTES", within=announced.MAILBOX["channel_bytes"]),
        limits.DEFAULT_CHANNEL_BYTES,
        _GROUP,
        "Maximum size of the stored messages of one channel in bytes. Each message counts "
        f"{limits.ITEM_COST} bytes more than its payload.",
    )
    channel_items: int = option(
        "mailbox-channel-items",
        Integer(within=announced.MAILBOX["channel_items"]),
        limits.DEFAULT_CHANNEL_ITEMS,
        _GROUP,
        "Maximum number of stored messages of one channel.",
    )
    total_bytes: int = option(
        "mailbox-bytes",
        Integer("BYTES", within=(1, _MAX_BYTES)),
        limits.DEFAULT_TOTAL_BYTES,
        _GROUP,
        "Maximum size of all stored messages in bytes.",
    )
    token_bytes: int | None = option(
        "mailbox-token-bytes",
        Integer("BYTES", within=(1, _MAX_BYTES)),
        None,
        _GROUP,
        "Maximum size of the stored messages of all channels that use one access token. Default: "
        f"1/{limits.TOKEN_SHARE} of --mailbox-bytes.",
        example="107374182",
        effective="payer_bytes",
    )
    address_bytes: int = option(
        "mailbox-address-bytes",
        Integer("BYTES", within=(1, _MAX_BYTES)),
        limits.DEFAULT_ADDRESS_BYTES,
        _GROUP,
        "Maximum number of bytes that one address may store in a day with --mailbox-open.",
    )
    free_bytes: int = option(
        "mailbox-reserve",
        Integer("BYTES", within=(0, _MAX_BYTES)),
        limits.DEFAULT_FREE_BYTES,
        _GROUP,
        "Free space of the file system that the mailbox does not use.",
        live=False,
    )


def mailbox_fault(values: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """Return why there must be no mailbox with these values of options, by field; empty if there is
    none, or if there may be one. `sources` are those of the options that are set, by name."""
    if not values["mailbox"]:
        return ""
    option = sources.get("mailbox", "--mailbox")
    if values["node_name"]:
        other = sources.get("node-name", "--node-name")
        return (
            f"{option} and {other} cannot be combined: with several relays a device can reach one "
            "that does not have its messages; remove one of the two"
        )
    if values["tokens"] is None and values["channels"] is None and not values["mailbox_open"]:
        return (
            f"{option}: anyone who reaches the relay could store messages on its disk. Limit who "
            "may use it with --access-token-file or --allow-channels, or permit it with "
            "--mailbox-open"
        )
    return ""
