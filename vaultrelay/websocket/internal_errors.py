"""closing_on_error: closes a connection with 4008 after an exception of ours, and no other one."""

import functools
import secrets
from collections.abc import Callable
from typing import Any, ParamSpec

from vaultrelay.broker.outbox import Outbox
from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.wire.close_codes import CloseCode

_Arguments = ParamSpec("_Arguments")


def close_for_error(log: RelayLog, outbox: Outbox, session: Session | None) -> None:
    """Log the current exception, and close with 4008 and a reference to the log."""
    code, reference = CloseCode.INTERNAL, secrets.token_hex(3)
    log.failure("Internal error {reference}", reference=reference)
    try:
        if session is not None:
            session.close(code, ref=reference)
    finally:
        # A session that failed while it ended does not close any more.
        outbox.close(code.number, code.reason(ref=reference))


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
