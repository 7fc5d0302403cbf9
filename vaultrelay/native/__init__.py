"""The compiled twins of the hot path, and the one place that chooses between a pair.

The pure twin is the reference, and the place to read. It stands in the room to which it belongs.
Its compiled twin has the same name, in a Cython module here, and does the same in less time. This
room is below all others: a twin imports nothing of the relay when it is loaded.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar, cast

from vaultrelay.native import modules

TwinT = TypeVar("TwinT", bound=Callable[..., Any])

VARIABLE = "RELAY_NATIVE"
CHOICE = os.environ.get(VARIABLE, "").strip()
"""`0`: pure twins; `1`: compiled ones, or no start at all; unset: compiled ones where they are."""
_STALE = "they were built from other sources; build them again with: make native"

pairs: dict[Any, tuple[Any, Any]] = {}
"""By the chosen twin: the pure and the compiled one. For tests."""
_faults: dict[str, list[str]] = {}
"""The modules that were built and are not used, by the reason."""


class NativeMissing(ImportError):
    """RELAY_NATIVE demands compiled twins that cannot be used, or is neither 0 nor 1."""


def has_twin(module: str) -> Callable[[TwinT], TwinT]:
    """Return a decorator for a pure twin, which returns the twin to use.

    Raises NativeMissing if RELAY_NATIVE is 1 and the compiled twin cannot be used.
    """

    def choose(pure: TwinT) -> TwinT:
        found = _load(module)
        if found is None:
            return pure
        compiled = getattr(found, pure.__name__)
        pairs[compiled] = pure, compiled
        return cast("TwinT", compiled)

    return choose


def code() -> str:
    """Return which twins this process uses: `native` or `pure`, or `mixed` if some are compiled, as
    on systems other than Linux. Raises NativeMissing as `has_twin` does."""
    found = [_load(name) is not None for name in (*modules.EVERYWHERE, *modules.LINUX)]
    return "native" if all(found) else "mixed" if any(found) else "pure"


def faults() -> list[str]:
    """Return a sentence for each reason why compiled twins that were built are not used."""
    code()
    return [_fault(", ".join(names), reason) for reason, names in _faults.items()]


@cache
def _load(module: str) -> ModuleType | None:
    """Return the compiled module to use, None for the pure twins. Raises NativeMissing."""
    if CHOICE not in ("", "0", "1"):
        raise NativeMissing(f"{VARIABLE} is '{CHOICE}', and must be 0, 1 or unset")
    if CHOICE == "0" or module not in modules.names(sys.platform):
        return None
    try:
        found = import_module(f"{__name__}.{module}")
        is_stale = _digest() not in ("", getattr(found, "SOURCES", None))
    except Exception as error:
        # Whatever a file built for another system or version raises, and also if the sources cannot
        # be read: the pure twin does the work.
        _missing(module, str(error), is_built=not isinstance(error, ModuleNotFoundError))
        return None
    if is_stale:
        _missing(module, _STALE, is_built=True)
        return None
    return found


def _missing(module: str, reason: str, *, is_built: bool) -> None:
    """Note the reason, if there is a compiled module. Raises NativeMissing if one is demanded."""
    if CHOICE == "1":
        raise NativeMissing(f"{VARIABLE} is 1, but {_fault(module, reason)}")
    if is_built:
        _faults.setdefault(reason, []).append(module)


def _fault(names: str, reason: str) -> str:
    return f"compiled modules cannot be used ({names}): {reason}"


@cache
def _digest() -> str:
    return modules.digest(os.path.dirname(__file__))
