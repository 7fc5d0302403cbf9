"""What the relay tells its operator: one logger, one level, lines that nobody can forge.

What a device sends is never logged. Devices and tokens are never logged, channels and addresses as
the operator chose (docs/privacy.rst). The words of an exception may repeat what a device sent: they
are told at "debug" only.
"""

from vaultrelay.logs.lines import printable
from vaultrelay.logs.logger import (
    FORMATS,
    LEVELS,
    format_is_ours,
    hears,
    line_limit,
    log,
    log_to_stderr,
    names,
    set_addresses,
    set_format,
    set_level,
    stderr_observer,
    under_journald,
)

__all__ = [
    "FORMATS",
    "LEVELS",
    "format_is_ours",
    "hears",
    "line_limit",
    "log",
    "log_to_stderr",
    "names",
    "printable",
    "set_addresses",
    "set_format",
    "set_level",
    "stderr_observer",
    "under_journald",
]
