"""OperatorWarning: a diagnosis of how a relay is run, with its cure."""

from dataclasses import dataclass

SUMMARIES = {
    "certificate": "a certificate that ends soon, or is not valid",
    "not_read": "options that could not be read",
    "nobody": "an access list that is empty",
    "certificate_name": "a certificate for other names than devices dial",
    "certificate_trust": "a certificate that devices may not trust",
    "certificate_key": "a certificate for a key that browsers refuse",
    "open_key": "a private key that every user can read",
    "few_descriptors": "too few open files for the devices",
    "no_name": "no name of the relay's own",
    "unknown_variable": "variables that are no option",
    "open_socket": "unix sockets that are open to every user of the machine",
    "origin_refused": "web pages that may not connect",
    "admin_host": "a name by which the admin endpoint may not be asked",
    "plain_in_public": "devices from the Internet without TLS",
    "untrusted_proxy": "a proxy that is not trusted",
    "unreadable_proxy": "a proxy that cannot be understood",
    "upgrade_lost": "a proxy that removes WebSocket upgrades",
    "proxy_unexpected": "unexpected PROXY headers",
    "proxy_missing": "missing PROXY headers",
    "one_address": "one address for all devices",
    "fixed_silence": "silent connections that are cut off",
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
