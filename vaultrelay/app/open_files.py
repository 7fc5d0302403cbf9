"""The limit on open files of the process, which bounds the capacity of the relay."""

from contextlib import suppress
from dataclasses import replace

from vaultrelay.config.settings import Settings
from vaultrelay.policy.descriptors import files_needed
from vaultrelay.policy.limits.descriptors import SELECT_FILES


def fit_to_open_files(settings: Settings) -> Settings:
    """Raise the limit of open files if needed; return `settings` with it.

    The usual soft limit of 1024 is lower than the hard limit. Devices beyond the capacity get a
    refusal, instead of waiting to be accepted.
    """
    try:
        import resource
    except ImportError:
        # Windows has no such limit; select has a lower one.
        return replace(settings, open_files=SELECT_FILES)
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, files_needed(settings.max_connections)):
        # macOS reports no limit, and then refuses to set that.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            limit = wanted
            break
    return replace(settings, open_files=None if limit == resource.RLIM_INFINITY else limit)
