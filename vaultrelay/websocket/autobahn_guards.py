"""Guards against Autobahn: its log lines, and what it does when a callback raises."""

import functools
import secrets
from collections.abc import Callable
from typing import Any, ParamSpec

from vaultrelay.wire.close_codes import CloseCode

_Arguments = ParamSpec("_Arguments")


def close_for_error(connection: Any) -> None:
    """Log the exception at hand, and close the connection with 4008 and a reference to the log."""
    reference = secrets.token_hex(3)
    connection.factory.log.failure("Internal error {reference}", reference=reference)
    connection.fail_session(CloseCode.INTERNAL, ref=reference)


def closing_on_error(callback: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    """Close with 4008 when a callback raises; Autobahn would cut TCP, or leave it open for ever.

    For methods of a connection that has `fail_session`.
    """

    @functools.wraps(callback)
    def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            close_for_error(args[0])

    return guarded


class Silence:
    """Stands in for Autobahn's logger, whose lines would repeat what peers sent."""

    def _nothing(self, *args: object, **kwargs: object) -> None:
        pass

    trace = debug = info = warn = error = critical = failure = _nothing
