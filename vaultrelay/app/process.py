"""What there is one of in a process: its exit, and its limit on open files."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from vaultrelay.app.stdio import print_error
from vaultrelay.policy.descriptors import files_needed
from vaultrelay.policy.limits import SELECT_FILES

if TYPE_CHECKING:
    # Settings import Twisted for the log, which a command without a relay does without.
    from vaultrelay.config.settings import Settings

USAGE_ERROR = 2
"""The exit status for what the operator must put right."""


def stop_with(error: object) -> NoReturn:
    """One line on standard error, and the exit status that belongs to it."""
    print_error(f"vault-relay: {error}")
    raise SystemExit(USAGE_ERROR)


def fit_to_descriptors(settings: "Settings") -> "Settings":
    """`settings` with no more places than this process may have open files for.

    Devices beyond it are refused politely, instead of finding nobody to accept them.
    """
    try:
        open_files = raise_descriptor_limit(files_needed(settings.max_connections))
    except ImportError:
        # Windows has no such limit, and a lower one.
        open_files = SELECT_FILES
    return replace(settings, open_files=open_files)


def raise_descriptor_limit(needed: int) -> int | None:
    """Allow this process as many open files as it may have, and return how many; None is no limit.

    The usual limit of 1024 is lower than what the same user could have by asking. Raises
    ImportError if there is no such limit on this system.
    """
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (most, needed):
        # macOS says that there is no limit, and then refuses so many.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            now = wanted
            break
    return None if now == resource.RLIM_INFINITY else now
