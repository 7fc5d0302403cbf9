"""The log of the relay; no peer can forge its lines.

Bytes of a device, its tag and its token are never logged, channels and addresses as the operator
chose (docs/privacy.rst). The message of an exception may repeat what a device sent: it is logged at
"debug" only.
"""

from vaultrelay.logs.relay_log import RelayLog
from vaultrelay.logs.settings import FORMATS, LEVELS, LogSettings
from vaultrelay.logs.start import log_to_stderr, log_under_twistd, stderr_observer

__all__ = [
    "FORMATS",
    "LEVELS",
    "LogSettings",
    "RelayLog",
    "log_to_stderr",
    "log_under_twistd",
    "stderr_observer",
]
