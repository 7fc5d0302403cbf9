"""closing_on_error: an exception of ours closes the connection with 4008, and no other."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

_Arguments = ParamSpec("_Arguments")


def closing_on_error(callback: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    """Close with 4008 if a callback of Autobahn's raises, which would leave it in mid-frame.

    For methods of an object that has `fail_internally`.
    """

    @functools.wraps(callback)
    def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            owner: Any = args[0]
            owner.fail_internally()

    return guarded
