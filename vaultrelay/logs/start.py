"""The start of logging: by `vault-relay` itself, or by twistd."""

from twisted.logger import ILogObserver, globalLogBeginner, globalLogPublisher

from vaultrelay.logs.relay_log import RelayLog
from vaultrelay.logs.settings import LogSettings
from vaultrelay.logs.stderr import StderrOutput

# twistd imports `stderr_observer` by its name and calls it without arguments, after it has made our
# service and without passing it the observer. All that both can reach is the process's own, as
# standard error is; so the output of twistd's one log is kept here, and nowhere else.
_TWISTD_OUTPUT = StderrOutput()


def log_to_stderr(settings: LogSettings) -> RelayLog:
    """Start logging to standard error, and return the log."""
    output = StderrOutput()
    log = RelayLog(output, globalLogPublisher)
    log.configure(settings)
    globalLogBeginner.beginLoggingTo([output.observer()], redirectStandardIO=False)
    return log


def log_under_twistd() -> RelayLog:
    """Return the log of twistd's service; twistd starts it, with `stderr_observer` or its own."""
    return RelayLog(_TWISTD_OUTPUT, globalLogPublisher)


def stderr_observer() -> ILogObserver:
    """Return the observer that writes twistd's log to standard error, for ``twistd --logger``."""
    return _TWISTD_OUTPUT.observer()
