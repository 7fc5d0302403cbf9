"""Finding: something that is not as it should be about how a relay is run, and the cure."""

from dataclasses import dataclass

SLUGS = (
    "certificate",
    "not_read",
    "few_descriptors",
    "no_name",
    "unknown_variable",
    "plain_in_public",
    "untrusted_proxy",
    "unreadable_proxy",
    "one_address",
    "fixed_silence",
)
"""All that the relay looks for in itself, the worst first."""


@dataclass(frozen=True)
class Finding:
    """One diagnosis, by the relay itself or by `vault-relay check`.

    `slug` is our word for it; `text` says in its first sentence what is wrong, and then the cure.

    The text may name files, options and networks of the operator's; never what a device sent.
    """

    slug: str
    text: str
    is_urgent: bool = False
    """Devices are kept out by it, or what the operator changed is not in force."""
