"""Process-wide functions: the exit, and the limit on open files."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from vaultrelay.app.standard_streams import print_error
from vaultrelay.policy.descriptors import files_needed
from vaultrelay.policy.limits import SELECT_FILES

if TYPE_CHECKING:
    # Settings import Twisted for the log, which a command without a relay does not need.
    from vaultrelay.config.settings import Settings

USAGE_ERROR = 2
"""The exit status for an error that the operator has to correct."""


def stop_with(error: object) -> NoReturn:
    """Print one line on standard error, and exit with USAGE_ERROR."""
    print_error(f"vault-relay: {error}")
    raise SystemExit(USAGE_ERROR)


def fit_to_open_files(settings: "Settings") -> "Settings":
    """Raise the limit of open files if needed; return `settings` with it: it bounds the capacity.

    Devices beyond the capacity get a refusal, instead of waiting to be accepted.
    """
    try:
        open_files = raise_descriptor_limit(files_needed(settings.max_connections))
    except ImportError:
        # Windows has no such limit; select has a lower one.
        open_files = SELECT_FILES
    return replace(settings, open_files=open_files)


def raise_descriptor_limit(needed: int) -> int | None:
    """Raise the soft limit on open files to the hard limit, and return it; None is no limit.

    The usual soft limit of 1024 is lower than the hard limit. Raises ImportError if this system
    has no such limit.
    """
    import resource

    now, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (maximum, needed):
        # macOS reports no limit, and then refuses to set that.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, maximum))
            now = wanted
            break
    return None if now == resource.RLIM_INFINITY else now
