"""Rest: called after each short step of a long computation, which may be in a thread."""

from collections.abc import Callable
from typing import TypeAlias

Rest: TypeAlias = Callable[[], None]
"""May let other threads run: a computation in Python holds its lock."""


def no_rest() -> None:
    """Go on: nothing else waits, as at the start and in a command."""
