"""UnixPath: a unix socket that the relay makes, and removes at the end."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        lock = FilesystemLock(f"{self.path}.lock") if self.has_lock else None
        if lock is not None and not lock.lock():
            raise SocketLocked("cannot acquire lock")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _owner_only():
                listening.bind(self.path)
            Path(self.path).chmod(self.mode)
            listening.setblocking(False)
            listening.listen(self.backlog)
        except BaseException:
            listening.close()
            if lock is not None:
                lock.unlock()
            raise
        identity = _identity(self.path)

        def clean_up() -> None:
            # Another relay may have made it anew.
            with suppress(OSError):
                if _identity(self.path) == identity:
                    Path(self.path).unlink()
            if lock is not None:
                with suppress(OSError):
                    lock.unlock()

        return Bound(listening, clean_up)


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
