"""UnixPath: a unix socket that the relay makes, and removes at the end."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from twisted.python.lockfile import FilesystemLock

from vaultrelay.transport.bindable import Bound


class SocketLocked(OSError):
    """Another relay has the lock of a socket."""


@dataclass(frozen=True)
class UnixPath:
    """A path with the mode of its socket. The lock keeps two relays from taking it at once."""

    path: str
    mode: int
    backlog: int
    has_lock: bool = True

    def bind(self) -> Bound:
        """Return a new socket that listens. Raises OSError or SocketLocked if there is none."""
        _remove_after_kill(self.path)
        files = ExitStack()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if self.has_lock:
                files.callback(_unlock, _locked(self.path))
            with _owner_only():
                listening.bind(self.path)
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
    """Return the lock of a path, which is ours now."""
    lock = FilesystemLock(f"{path}.lock")
    try:
        is_ours = lock.lock()
    except ValueError:
        # It does not name a process.
        is_ours = False
    if not is_ours:
        raise SocketLocked("cannot acquire lock")
    if not lock.clean and Path(path).is_socket():
        # Its process is gone. Of another user's socket nothing else can be known.
        with suppress(OSError):
            Path(path).unlink()
    return lock


def _unlock(lock: FilesystemLock) -> None:
    # It may be gone, or another relay's.
    with suppress(OSError, ValueError):
        lock.unlock()


def _remove(path: str, identity: tuple[int, int] | None) -> None:
    """Remove the socket of this identity; another relay may have made the path anew."""
    with suppress(OSError):
        if _identity(path) == identity:
            Path(path).unlink()


@contextmanager
def _owner_only() -> Iterator[None]:
    """Let a socket that is bound meanwhile begin with access for its owner alone.

    With the umask of the process it could be wider until it has its mode.
    """
    umask = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(umask)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove_after_kill(path: str) -> None:
    """Remove the socket and the lock that a killed relay left, if nothing listens there.

    The lock names a process number. Another process may have it by now, and in a container the
    relay itself has the same one at every start.
    """
    # A file that is no socket refuses connections, too.
    if not Path(path).is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            for left in (path, f"{path}.lock"):
                Path(left).unlink(missing_ok=True)
