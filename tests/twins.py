"""Twins: runs the tests of a module with the pure twin of a function, and with the compiled one."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from vaultrelay.native import pairs


def twins(name: str, module: ModuleType) -> tuple[Callable[..., Any], ...]:
    """Return the pure and the compiled twin; where the compiled one is not used, the pure one."""
    chosen: Callable[..., Any] = getattr(module, name)
    return pairs.get(chosen, (chosen,))


def each_twin(module: ModuleType, *names: str, tests: str = "") -> Any:
    """Return a fixture that puts the pure, then the compiled twins in place of these names, in the
    module and in that of the tests if it imports them."""
    found = list(zip(*(twins(name, module) for name in names), strict=True))

    @pytest.fixture(
        scope="module", autouse=True, params=found, ids=("pure", "native")[: len(found)]
    )
    def twin(request: pytest.FixtureRequest) -> Iterator[None]:
        with ExitStack() as stack:
            for user in filter(None, (module, sys.modules.get(tests))):
                for name, function in zip(names, request.param, strict=True):
                    stack.enter_context(patch.object(user, name, function))
            yield

    return twin
