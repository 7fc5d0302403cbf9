"""The privacy notice, as /privacy.json: the data that the relay sees, keeps and logs."""

from vaultrelay.config.settings import Settings
from vaultrelay.policy.limits import (
    JOIN_SECONDS_PER_DEVICE,
    JOINS_AT_ONCE_PER_DEVICE,
    PSEUDONYM_SECONDS,
    RESERVED_DEBT_SECONDS,
    SLOW_SECONDS,
)

VERSION = 1
"""Version of the notice. Increase it if a key is removed or changes its meaning."""

_ADDRESSES = {
    "none": "No line names a network address or a channel.",
    "pseudonym": "Lines name a network address and a channel by pseudonyms that are good for one "
    "day of UTC. Their key is random, is never written down, and is replaced on the next day.",
    "full": "Lines name the network address itself, and a channel by a pseudonym that is good for "
    "one day of UTC.",
}
_NO_SESSIONS = "At this level there is no line about a single connection, and none names anybody."
_SESSION = (
    "When a device that had joined leaves, one line says when, why, how long it was connected, how "
    "many messages and bytes it sent, and whom it is about."
)
_DEBUG = (
    "At this level there are lines for joins and refusals, too, and libraries tell what they do."
)
_WORDS = "Errors of the program are logged with their words, which may repeat what a device sent."
_CURE = (
    "If it seems that a proxy is in front of the relay and not trusted, one line names its address "
    "in full where that is a private one, so that the operator can trust it."
)


def privacy_notice(settings: Settings, under_twistd: bool = False) -> dict[str, object]:
    """Return the notice for these settings. Keys are stable, for machines; `says` is for people.

    `under_twistd`: twistd writes the log, in its own format and with full error messages.
    """
    return {
        "notice": VERSION,
        "says": "Devices of one vault meet on this relay and pass each other encrypted messages. "
        "It has no accounts, and writes nothing to disk.",
        "sees": _seen(settings),
        "cannot_see": [
            _item("content", "What messages say. Devices encrypt them before they send them."),
            _item("vault", "Passwords, names and keys of a vault. They never reach the relay."),
            _item("person", "Who somebody is. Nobody is asked for a name or a mail address."),
        ],
        "writes_to_disk": [],
        "third_parties": [],
        "logs": _logged(settings, under_twistd),
        "beyond_the_relay": [
            _item(
                "log_keeping",
                "The relay hands its lines to whatever runs it, such as the system's journal. How "
                "long they are kept there is the operator's choice.",
            ),
            _item(
                "reverse_proxy",
                "A proxy in front of the relay sees network addresses and times, too, and may keep "
                "a log of its own.",
            ),
            _item(
                "network",
                "Whoever carries the traffic sees who connects to the relay and when.",
            ),
        ],
    }


def _seen(settings: Settings) -> list[dict[str, object]]:
    address_seconds = JOIN_SECONDS_PER_DEVICE * JOINS_AT_ONCE_PER_DEVICE
    return [
        _kept(
            "network_address",
            "The address that a connection comes from. To hold each to its share, the relay "
            "remembers it for a short while longer, of IPv6 the first 64 bits, and the networks "
            "around it.",
            address_seconds if settings.capacity_per_address else 0,
        ),
        _kept(
            "channel",
            "The public key of the channel in which a vault's devices meet. A relay that is full "
            "remembers it for a short while longer.",
            RESERVED_DEBT_SECONDS,
        ),
        *(
            [_kept("access_token", "The token that lets a device in; only a hash of it is kept.")]
            if settings.access.tokens is not None
            else []
        ),
        _kept("origin", "Where a browser connects, the origin of the web page that it shows."),
        _kept("device_tag", "The tag by which the devices of a channel know one another."),
        _kept("times", "When a device connects, sends something, and leaves."),
        _kept(
            "sizes", "How many messages a device sends, how large they are, and to which device."
        ),
        _kept(
            "messages",
            "Encrypted messages, in memory and only while their receiver has not taken them. One "
            f"that takes nothing for {SLOW_SECONDS} seconds is disconnected, and they are dropped.",
        ),
        _item(
            "request",
            "What an app says of itself as it connects: its name and version, the headers of its "
            "request, and with TLS the name that it dialled. It is not kept.",
        ),
        _item(
            "totals",
            "How many connections, messages and bytes there were in all, kept until the relay is "
            "restarted and belonging to nobody.",
        ),
    ]


def _logged(settings: Settings, under_twistd: bool) -> dict[str, object]:
    level, way = settings.log_level, settings.log_addresses
    sessions, debug = level in ("info", "debug"), level == "debug"
    says = [_SESSION, _ADDRESSES[way]] if sessions else [_NO_SESSIONS]
    is_proxy_told = level != "error" and way != "none"
    if is_proxy_told:
        says.append(_CURE)
    if debug:
        says.append(_DEBUG)
    if debug or under_twistd:
        says.append(_WORDS)
    return {
        "level": level,
        "format": "twistd" if under_twistd else settings.log_format,
        "sessions": sessions,
        "joins_and_refusals": debug,
        "addresses": way if sessions else "none",
        "channels": "pseudonym" if sessions and way != "none" else "none",
        "private_address_of_an_untrusted_proxy": "full" if is_proxy_told else "none",
        "pseudonym_seconds": PSEUDONYM_SECONDS,
        "device_tags": "none",
        "messages": "none",
        "words_of_errors": debug or under_twistd,
        "says": " ".join(says),
    }


def _item(what: str, says: str) -> dict[str, object]:
    return {"what": what, "says": says}


def _kept(what: str, says: str, seconds_after: int = 0) -> dict[str, object]:
    """Return an item kept in memory until its connection ends, or `seconds_after` it."""
    return {**_item(what, says), "seconds_kept_after_disconnect": seconds_after}
