"""Compiled twins replaced by pure ones, to compare what both do in one process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from vaultrelay import native


class Place(NamedTuple):
    """A name by which a module of the relay, or of the tests, uses a twin."""

    names: dict[str, Any]
    name: str
    pure: Any
    compiled: Any


@contextmanager
def pure_twins() -> Iterator[None]:
    """Let all modules that are imported now use the pure twins meanwhile."""
    places = _places(len(sys.modules))
    for each in places:
        each.names[each.name] = each.pure
    try:
        yield
    finally:
        for each in places:
            each.names[each.name] = each.compiled


@cache
def _places(_: int) -> list[Place]:
    """Return where twins are used; found again whenever there are more modules."""
    chosen = {id(twin): pair for twin, pair in native.pairs.items()}
    return [
        Place(vars(module), name, *chosen[id(value)])
        for title, module in list(sys.modules.items())
        if title.startswith(("vaultrelay.", "tests.")) and not title.startswith("vaultrelay.native")
        for name, value in list(vars(module).items())
        if id(value) in chosen
    ]
