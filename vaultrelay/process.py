"""What there is one of in a process: the reactor, and the exit."""

import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from vaultrelay.policy.limits import (
    DESCRIPTORS_BESIDE,
    SELECT_BESIDE,
    SELECT_SOCKETS,
    SELECT_WAITING,
)
from vaultrelay.settings import Settings
from vaultrelay.stdio import print_error

USAGE_ERROR = 2
"""The exit status for what the operator must put right."""


def real_reactor() -> Any:
    """The one import of the reactor, with timers that run by a monotonic clock.

    Twisted's run by the wall clock, and would be off by as much as that is set.
    """
    if "twisted.internet.reactor" not in sys.modules:
        # Else somebody has chosen one, as twistd does.
        _install_reactor()
    from twisted.internet import reactor
    from twisted.internet.interfaces import IReactorFDSet

    untyped: Any = reactor
    if not IReactorFDSet.providedBy(reactor):
        # Its ports would do no TLS, and say nothing.
        stop_with(
            f"{type(untyped).__name__} does not wait for sockets, as the relay's TLS needs it; "
            "leave out the --reactor option of twistd"
        )
    untyped.seconds = time.monotonic
    return untyped


def _install_reactor() -> None:
    """The one that serves most connections here; by default Twisted takes none of these two."""
    with suppress(ImportError):  # of Linux
        from vaultrelay.transport import lean_epoll

        lean_epoll.install()
        return
    with suppress(ImportError):  # of macOS and the BSDs
        from twisted.internet import kqreactor

        kqreactor.install()


def stop_with(error: object) -> NoReturn:
    """One line on standard error, and the exit status that belongs to it."""
    print_error(f"vault-relay: {error}")
    raise SystemExit(USAGE_ERROR)


def fit_to_descriptors(settings: Settings) -> Settings:
    """`settings` with no more places than this process may have open files for.

    Devices beyond it are refused politely, instead of finding nobody to accept them.
    """
    try:
        lacking = raise_descriptor_limit(settings.max_connections + DESCRIPTORS_BESIDE)
    except ImportError:
        # Windows has no such limit, and a lower one.
        lacking = max(0, settings.max_connections + SELECT_BESIDE - SELECT_SOCKETS)
        return replace(settings, descriptors_lacking=lacking, waiting=SELECT_WAITING)
    return replace(settings, descriptors_lacking=lacking)


def raise_descriptor_limit(needed: int) -> int:
    """Allow this process as many open files as it may have; how many it lacks of `needed`.

    The usual limit of 1024 is lower than what the same user could have by asking. ImportError where
    there is no such limit.
    """
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (most, needed):
        # macOS says that there is no limit, and then refuses so many.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            now = wanted
            break
    return 0 if now == resource.RLIM_INFINITY else max(0, needed - now)
