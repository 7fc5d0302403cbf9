"""Finding: something that the relay noticed about how it is run, and how to put it right."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One diagnosis: `slug` is our own word for it, `text` says what is wrong and the cure.

    The text may name files, options and networks of the operator's; never what a device sent.
    """

    slug: str
    text: str
    is_urgent: bool = False
    """Devices are kept out by it, or will be soon."""
