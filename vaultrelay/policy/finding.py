"""Finding: something that the relay noticed about how it is run, and how to put it right."""

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
"""All that is looked for, the worst first."""


@dataclass(frozen=True)
class Finding:
    """One diagnosis: `slug` is one of SLUGS, `text` says what is wrong and the cure.

    The text may name files, options and networks of the operator's; never what a device sent.
    """

    slug: str
    text: str
    is_urgent: bool = False
    """Devices are kept out by it, or will be soon."""
