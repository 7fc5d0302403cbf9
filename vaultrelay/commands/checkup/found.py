"""What a step of the checkup found, and the exception of a step that failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vaultrelay.policy.finding import Finding


@dataclass(frozen=True)
class Found:
    """A step that passed: a line for people, facts for programs, and what is not as it should be.

    A finding is a warning: devices can connect all the same.
    """

    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()


class CheckFailed(Exception):
    """Something works, but does not do what it should. Its text is for people, cure included."""
