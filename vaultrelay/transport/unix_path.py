"""UnixPath: a unix socket that the relay makes, and removes when it stops."""

import os
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from twisted.python.lockfile import FilesystemLock

from vaultrelay.transport.listening_socket import Bound


class SocketLocked(OSError):
    """Another relay holds the lock of a socket."""


@dataclass(frozen=True)
class UnixPath:
    """A path and the mode of its socket. A lock keeps two relays from using it at once."""

    path: str
    mode: int
    backlog: int
    has_lock: bool = True

    def bind(self) -> Bound:
        """Return a new listening socket. Raises OSError, SocketLocked if another relay has it."""
        _remove_after_kill(self.path)
        files = ExitStack()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if self.has_lock:
                files.callback(_unlock, _locked(self.path))
            # With the umask of the process, access could be wider until the mode is set.
            umask = os.umask(0o177)
            try:
                listening.bind(self.path)
            finally:
                os.umask(umask)
            files.callback(_remove, self.path, _identity(self.path))
            Path(self.path).chmod(self.mode)
            listening.setblocking(False)
            listening.listen(self.backlog)
        except BaseException:
            files.close()
            listening.close()
            raise
        return Bound(listening, files.close)


def _locked(path: str) -> FilesystemLock:
    """Lock a path and return the lock. Raises SocketLocked if another relay holds it."""
    lock = FilesystemLock(f"{path}.lock")
    # A ValueError: the lock does not contain a process number.
    with suppress(ValueError):
        if lock.lock():
            if not lock.clean and Path(path).is_socket():
                # The process of the lock is gone. Another user's socket cannot be probed further.
                with suppress(OSError):
                    Path(path).unlink()
            return lock
    raise SocketLocked("cannot acquire lock")


def _unlock(lock: FilesystemLock) -> None:
    # The lock may be gone, or belong to another relay.
    with suppress(OSError, ValueError):
        lock.unlock()


def _remove(path: str, identity: tuple[int, int] | None) -> None:
    """Remove the socket if it has this identity: another relay may have replaced it."""
    with suppress(OSError):
        if _identity(path) == identity:
            Path(path).unlink()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove_after_kill(path: str) -> None:
    """Remove the socket and the lock of a killed relay, if nothing listens there.

    The lock contains a process number. Another process may have it by now, and in a container
    the relay has the same one at every start.
    """
    # connect is refused for a file that is not a socket, too.
    if not Path(path).is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            for left in (path, f"{path}.lock"):
                Path(left).unlink(missing_ok=True)
