"""The privacy notice, as /privacy.json: the data that the relay sees, keeps and logs."""

from vaultrelay.config.settings import Settings
from vaultrelay.policy.limits.logs import PSEUDONYM_SECONDS
from vaultrelay.policy.limits.mailbox import DAY_SECONDS
from vaultrelay.policy.limits.memory import SLOW_SECONDS
from vaultrelay.policy.limits.networks import JOIN_SECONDS_PER_DEVICE, JOINS_AT_ONCE_PER_DEVICE
from vaultrelay.policy.limits.reserved import RESERVED_DEBT_SECONDS

VERSION = 1
"""Version of the notice. Increase it if a key is removed or changes its meaning."""

_WITHOUT_MAILBOX = "It has no accounts, and writes nothing to disk."
_WITH_MAILBOX = (
    "It has no accounts. Its mailbox keeps encrypted messages on disk for devices that sleep."
)
_ADDRESSES = {
    "none": "No line contains a network address or identifies a channel.",
    "pseudonym": "Lines identify network addresses and channels by pseudonyms that are valid "
    "for one UTC day. Their key is random, is never stored, and is replaced on the next day.",
    "full": "Lines contain the network address itself, and identify a channel by a pseudonym that "
    "is valid for one UTC day.",
}
_NO_SESSIONS = "At this level no line describes a single connection or identifies a client."
_SESSION = (
    "When a joined device leaves, one line records the time, the reason, the duration, the number "
    "of messages and bytes that the device sent, and how the log identifies it."
)
_DEBUG = "At this level the relay also logs joins and refusals, and libraries log their work."
_ERRORS = (
    "Program errors are logged with their messages, which may contain data that a device sent."
)
_PROXY = (
    "If the relay seems to be behind a proxy that is not configured as trusted, one line contains "
    "the proxy's address in full if it is a private address, so that the operator can add it."
)


def privacy_notice(settings: Settings, under_twistd: bool = False) -> dict[str, object]:
    """Return the notice for these settings. Keys are stable, for machines; `says` is for people.

    `under_twistd`: twistd writes the log, in its own format and with full error messages.
    """
    return {
        "notice": VERSION,
        "says": "Devices of one vault meet on this relay and pass each other encrypted messages. "
        + (_WITH_MAILBOX if settings.mailbox else _WITHOUT_MAILBOX),
        "sees": _seen(settings),
        "cannot_see": [
            _item("content", "The content of messages. Devices encrypt them before sending."),
            _item("vault", "Passwords, names and keys of a vault. They never reach the relay."),
            _item(
                "person",
                "The identity of a person. The relay asks for no names or email addresses.",
            ),
        ],
        "writes_to_disk": _stored(settings) if settings.mailbox else [],
        "third_parties": [],
        "logs": _logged(settings, under_twistd),
        "beyond_the_relay": [
            _item(
                "log_keeping",
                "The relay passes its log to the system, such as the systemd journal. The operator "
                "decides how long it is kept there.",
            ),
            _item(
                "reverse_proxy",
                "A proxy in front of the relay sees network addresses and times, too, and may keep "
                "a log of its own.",
            ),
            _item(
                "network",
                "Every network on the path sees which addresses connect to the relay, and when.",
            ),
        ],
    }


def _stored(settings: Settings) -> list[dict[str, object]]:
    token = (
        " With it is a keyed hash of the access token that it last used."
        if settings.access.tokens is not None
        else ""
    )
    return [
        _on_disk(
            "mailbox_items",
            "Encrypted messages that a device leaves for others that sleep, each with a random "
            "identifier, perhaps a key that marks it as a replacement, its size, and the minute in "
            "which it expires. Nothing names the device that sent it. Devices can erase them "
            "sooner.",
            settings.retention,
        ),
        _on_disk(
            "mailbox_channels",
            "For each channel with such messages a keyed hash of its public key, the number and "
            f"size of its messages, and the day of its last use.{token} The key of the hash is in "
            "a file of its own.",
            settings.retention + DAY_SECONDS,
        ),
    ]


def _seen(settings: Settings) -> list[dict[str, object]]:
    return [*_seen_of_client(settings), *_seen_of_traffic()]


def _seen_of_client(settings: Settings) -> list[dict[str, object]]:
    """Return what identifies a client to the relay, and is kept for its limits and access."""
    address_seconds = JOIN_SECONDS_PER_DEVICE * JOINS_AT_ONCE_PER_DEVICE
    return [
        _kept(
            "network_address",
            "The address that a connection comes from. To limit each address to its share, the "
            "relay keeps it (the first 64 bits of an IPv6 address), and the networks around it, "
            "for a short time after the connection ends.",
            max(
                address_seconds if settings.capacity_per_address else 0,
                # For the bytes that it may store in a day.
                DAY_SECONDS if settings.mailbox and settings.is_mailbox_open else 0,
            ),
        ),
        _kept(
            "channel",
            "The public key of the channel in which the devices of a vault meet. A full relay "
            "keeps it for a short time after the connection ends.",
            RESERVED_DEBT_SECONDS,
        ),
        *(
            [_kept("access_token", "The access token of a device; only a hash of it is kept.")]
            if settings.access.tokens is not None
            else []
        ),
    ]


def _seen_of_traffic() -> list[dict[str, object]]:
    return [
        _kept("origin", "If a browser connects, the origin of its web page."),
        _kept("device_tag", "The tag by which the devices of a channel identify each other."),
        _kept("times", "When a device connects, sends something, and leaves."),
        _kept(
            "sizes",
            "The number and sizes of the messages that a device sends, and their receivers.",
        ),
        _kept(
            "messages",
            "Encrypted messages, in memory and only until their receiver has read them. A receiver "
            f"that reads nothing for {SLOW_SECONDS} seconds is disconnected, and its messages are "
            "dropped.",
        ),
        _item(
            "request",
            "The request with which an app connects: the app's name and version, the HTTP headers, "
            "and with TLS the host name that it dialled. The request is not kept.",
        ),
        _item(
            "totals",
            "The total number of connections, messages and bytes, kept until the relay restarts "
            "and not linked to any device.",
        ),
    ]


def _logged(settings: Settings, under_twistd: bool) -> dict[str, object]:
    level, way = settings.log_level, settings.log_addresses
    sessions, debug = level in ("info", "debug"), level == "debug"
    names_proxy = level != "error" and way != "none"
    has_messages = debug or under_twistd
    sentences = {
        _SESSION: sessions,
        _ADDRESSES[way]: sessions,
        _NO_SESSIONS: not sessions,
        _PROXY: names_proxy,
        _DEBUG: debug,
        _ERRORS: has_messages,
    }
    return {
        "level": level,
        "format": "twistd" if under_twistd else settings.log_format,
        "sessions": sessions,
        "joins_and_refusals": debug,
        "addresses": way if sessions else "none",
        "channels": "pseudonym" if sessions and way != "none" else "none",
        "private_address_of_an_untrusted_proxy": "full" if names_proxy else "none",
        "pseudonym_seconds": PSEUDONYM_SECONDS,
        "device_tags": "none",
        "messages": "none",
        "words_of_errors": has_messages,
        "says": " ".join(text for text, applies in sentences.items() if applies),
    }


def _item(what: str, says: str) -> dict[str, object]:
    return {"what": what, "says": says}


def _on_disk(what: str, says: str, seconds: int) -> dict[str, object]:
    """Return an item kept on disk for at most some seconds."""
    return {**_item(what, says), "seconds_kept_on_disk": seconds}


def _kept(what: str, says: str, seconds_after: int = 0) -> dict[str, object]:
    """Return an item kept in memory until its connection ends, or `seconds_after` it."""
    return {**_item(what, says), "seconds_kept_after_disconnect": seconds_after}
