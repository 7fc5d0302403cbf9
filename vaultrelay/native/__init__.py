"""The compiled twins of the hot path, and the one place that chooses between a pair.

The pure twin is the reference, and the place to read. It stands in the room to which it belongs.
Its compiled twin has the same name, in a Cython module here, and does the same in less time. This
room is below all others: a twin imports nothing of the relay when it is loaded.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar, cast

TwinT = TypeVar("TwinT", bound=Callable[..., Any])

_CHOICE = os.environ.get("RELAY_NATIVE", "")
"""`0`: pure twins; `1`: compiled ones, or no start at all; unset: compiled ones where they are."""

pairs: dict[Any, tuple[Any, Any]] = {}
"""By the chosen twin: the pure and the compiled one. For tests."""


def has_twin(module: str) -> Callable[[TwinT], TwinT]:
    """Return a decorator for a pure twin, which returns the twin to use.

    Raises ImportError if RELAY_NATIVE is 1 and there is no compiled twin.
    """

    def choose(pure: TwinT) -> TwinT:
        compiled = None if _CHOICE == "0" else _compiled(module, pure.__name__)
        if compiled is None:
            return pure
        pairs[compiled] = pure, compiled
        return cast("TwinT", compiled)

    return choose


def _compiled(module: str, name: str) -> Any:
    try:
        return getattr(import_module(f"{__name__}.{module}"), name)
    except ImportError:
        if _CHOICE == "1":
            raise
        return None
