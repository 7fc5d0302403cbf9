"""Faults: replacements in the Python client, which a test takes back."""

from collections.abc import Callable
from typing import Any

import pytest

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]


def put(owner: object, name: str, value: object) -> Fault:
    """Replace an attribute."""
    return lambda patch: patch.setattr(owner, name, value)


def around(owner: object, name: str, wrong: Callable[..., Any]) -> Fault:
    """Replace a function or a method by `wrong`, which gets the right one first."""

    def install(patch: Patch) -> None:
        right = getattr(owner, name)
        patch.setattr(owner, name, lambda *a, **more: wrong(right, *a, **more))

    return install
