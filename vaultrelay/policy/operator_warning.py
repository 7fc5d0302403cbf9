"""OperatorWarning: a diagnosis of how a relay is run, with its cure."""

from dataclasses import dataclass

SUMMARIES = {
    "certificate": "a certificate that expires soon or is not valid",
    "not_read": "options that could not be read",
    "nobody": "an empty access list",
    "certificate_name": "a certificate without the name that devices dial",
    "certificate_trust": "a certificate that devices may not trust",
    "certificate_key": "a certificate key that browsers refuse",
    "open_key": "a private key that every user can read",
    "mailbox": "a mailbox that does not work",
    "mailbox_haproxy": "a mailbox behind HAProxy",
    "old_sqlite": "a version of SQLite that can damage a file that two programs have open",
    "few_descriptors": "a limit of open files too low for --max-connections",
    "no_name": "no --public-url",
    "unknown_variable": "variables that are not options",
    "native_unused": "compiled code that cannot be used",
    "open_socket": "unix sockets that are open to every user of the machine",
    "origin_refused": "refused web pages",
    "admin_host": "requests for a name that --admin-host does not set",
    "plain_in_public": "devices from the Internet without TLS",
    "untrusted_proxy": "an untrusted proxy",
    "unreadable_proxy": "a proxy that sends no usable client addresses",
    "upgrade_lost": "a proxy that removes WebSocket upgrades",
    "proxy_unexpected": "unexpected PROXY headers",
    "proxy_missing": "missing PROXY headers",
    "one_address": "one address for all devices",
    "fixed_silence": "idle connections that are cut off",
}
"""The diagnoses of the relay about itself, by slug, worst first."""


@dataclass(frozen=True)
class OperatorWarning:
    """One diagnosis: `slug` identifies it, `text` describes the fault and the cure.

    The relay's own slugs are the keys of SUMMARIES; `vault-relay check` has others. The text may
    name files, options and networks of the operator, never what a device sent.
    """

    slug: str
    text: str
    is_urgent: bool = False
    """It keeps devices out, or a change by the operator is not in force."""


def in_days(days: int) -> str:
    """Return the time until an event, in whole days, as a phrase such as "in 5 days"."""
    return {0: "within a day", 1: "in a day"}.get(days, f"in {days} days")
