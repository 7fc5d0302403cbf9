"""The result of a passed step of the checkup, and the exception of a failed one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vaultrelay.policy.operator_warning import OperatorWarning


@dataclass(frozen=True)
class StepResult:
    """A passed step: a line for people, facts for programs, and warnings.

    A warning is a problem with which devices can connect all the same.
    """

    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[OperatorWarning, ...] = ()


class CheckFailed(Exception):
    """A part of the relay works, but incorrectly. The text is for people, with the cure."""
