"""Daemon: reports to the terminal whether a relay under twistd has started.

twistd forks, and its first process waits for a report of the daemon. twistd sends one only for an
exception, truncated to 100 bytes; after any other end the first process waits without end.
"""

import atexit
import os
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from vaultrelay.app.exit_status import USAGE_ERROR, stop_with
from vaultrelay.policy.printable import printable

_STARTED = b"\0"
_MAX_REPORT_BYTES = 4096
"""Limit of a report in bytes; a report has a few hundred."""
_INTERRUPTED = 128 + signal.SIGINT


class TwistdStart:
    """One start under twistd; `config` has twistd's options.

    Until it has succeeded, an end of the process removes twistd's pid file, and a daemon reports
    the reason to the terminal.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        self._error = ""
        self._is_over = False
        self._is_daemon = not config["nodaemon"]
        if self._is_daemon:
            self._terminal = os.getpid()
            self._waiting, self._reporting = socket.socketpair()
            os.register_at_fork(after_in_parent=self._forked, after_in_child=self._waiting.close)
        atexit.register(self._ended)

    def give_away(self, paths: Iterable[str]) -> None:
        """Change the owner of unix sockets to the user and group that twistd will switch to."""
        # Windows, which has no daemons, has no such module.
        import pwd

        user, group = self._config["uid"], self._config["gid"]
        with suppress(OSError, KeyError):
            if group is None and user is not None:
                group = pwd.getpwuid(user).pw_gid
            for path in paths:
                os.chown(path, -1 if user is None else user, -1 if group is None else group)

    def succeeded(self) -> None:
        """Report the success: the process of the terminal ends."""
        self._report(_STARTED)

    def fail(self, error: object) -> NoReturn:
        """Print `error` and exit with status 2."""
        self._error = str(error)
        stop_with(error)

    def _forked(self) -> None:
        """Wait for the daemon, in the terminal's process. Python ignores exceptions raised here."""
        if self._is_over or os.getpid() != self._terminal:
            return
        self._is_over = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._reporting.close()
        try:
            report = self._waiting.recv(_MAX_REPORT_BYTES)
        except KeyboardInterrupt:
            os._exit(_INTERRUPTED)
        self._waiting.close()
        if report == _STARTED:
            return
        _end(report.decode(errors="replace") or "the daemon was killed while it was starting")

    def _ended(self) -> None:
        """Clean up after any failed start, and report it to the terminal."""
        if self._is_over:
            return
        self._remove_pid_file()
        if self._error and not self._is_daemon:
            # stop_with has printed the error.
            return
        error = self._error or self._cause()
        if self._is_daemon and os.getpid() != self._terminal:
            self._report(error.encode()[:_MAX_REPORT_BYTES])
            return
        # twistd would exit with status 1, and a traceback only in its log.
        _end(error)

    def _report(self, report: bytes) -> None:
        if self._is_daemon and not self._is_over:
            with suppress(OSError), self._reporting:
                self._reporting.sendall(report)
        self._is_over = True

    def _cause(self) -> str:
        """Return the reason why twistd itself ended."""
        error = getattr(sys, "last_value", None)
        if isinstance(error, OSError) and error.strerror:
            return f"cannot start: {error.filename or 'twistd'}: {error.strerror.lower()}"
        reason = f": {error.args[0]}" if isinstance(error, Exception) and error.args else ""
        log = "syslog" if self._config["syslog"] else self._config["logfile"] or "twistd.log"
        return f"cannot start{reason}; see the last lines of {log}"

    def _remove_pid_file(self) -> None:
        name = self._config["pidfile"]
        # twistd refuses to start if the file names a running process.
        with suppress(OSError, ValueError):
            if name and int(Path(name).read_text()) == os.getpid():
                Path(name).unlink()


def _end(error: object) -> NoReturn:
    """Exit the terminal's process at once, before Python exits with another status."""
    try:
        stop_with(printable(str(error)))
    finally:
        os._exit(USAGE_ERROR)
