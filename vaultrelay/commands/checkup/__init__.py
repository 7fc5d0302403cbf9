"""The checkup of a relay from a device's network; each module has a step or a few."""

from vaultrelay.commands.checkup.checkup import STEP_SECONDS, Checkup
from vaultrelay.commands.checkup.explain import explain

__all__ = ["STEP_SECONDS", "Checkup", "explain"]
