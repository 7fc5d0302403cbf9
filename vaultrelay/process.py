"""What there is one of in a process: the reactor, and the exit."""

import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from vaultrelay.policy.limits import DESCRIPTORS_BESIDE
from vaultrelay.settings import Settings

USAGE_ERROR = 2
"""The exit status for what the operator must put right."""


def real_reactor() -> Any:
    """The one import of the reactor, with timers that run by a monotonic clock.

    Twisted's run by the wall clock, and would be off by as much as that is set.
    """
    if "twisted.internet.reactor" not in sys.modules:
        # Else somebody has chosen one, as twistd does. Only Linux has epoll.
        with suppress(ImportError):
            from vaultrelay.transport import lean_epoll

            lean_epoll.install()
    from twisted.internet import reactor

    untyped: Any = reactor
    untyped.seconds = time.monotonic
    return untyped


def stop_with(error: object) -> NoReturn:
    """One line on standard error, and the exit status that belongs to it."""
    # twistd turns sys.stderr into its log.
    print(f"vault-relay: {error}", file=sys.__stderr__)
    raise SystemExit(USAGE_ERROR)


def fit_to_descriptors(settings: Settings) -> Settings:
    """`settings` with no more places than this process may have open files for.

    Devices beyond it are refused politely, instead of finding nobody to accept them.
    """
    lacking = raise_descriptor_limit(settings.max_connections + DESCRIPTORS_BESIDE)
    return replace(settings, descriptors_lacking=lacking)


def raise_descriptor_limit(needed: int) -> int:
    """Allow this process as many open files as it may have; how many it lacks of `needed`.

    The usual limit of 1024 is lower than what the same user could have by asking.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 0
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return 0 if most == resource.RLIM_INFINITY else max(0, needed - most)
