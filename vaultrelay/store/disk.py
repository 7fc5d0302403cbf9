"""Folder: where a store has its files. One process at a time, private, on a local disk."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from vaultrelay.policy.limits.mailbox import RESERVE_BYTES
from vaultrelay.store.mounts import file_system, is_network
from vaultrelay.store.store import StoreFull, StoreRefused

CONTROL_SOCKET = "control"
"""The socket of a running relay, for commands."""


class Folder:
    """The folder of a store, from `take` to `release`. `free_bytes` of its file system are left to
    others."""

    def __init__(self, path: Path, free_bytes: int) -> None:
        self.path = path
        self._free_bytes = free_bytes
        self._reserve = path / "reserve"
        self._lock: int | None = None

    def take(self) -> None:
        """Create the folder if it is missing, and lock it. Raises StoreRefused if it is unsuitable
        or in use, and OSError if the disk fails."""
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreRefused(
                f"the folder {self.path} cannot be created: {error.strerror}"
            ) from error
        status = self.path.stat()
        if status.st_uid != os.geteuid():
            raise StoreRefused(f"the folder {self.path} belongs to another user: change its owner")
        if status.st_mode & 0o077:
            raise StoreRefused(f"others can enter the folder {self.path}: chmod 700 {self.path}")
        kind = file_system(self.path)
        if is_network(kind):
            raise StoreRefused(
                f"the folder {self.path} is on {kind}, where locks and fsync are unreliable. "
                "Use a local disk"
            )
        self._take_lock()
        self.make_reserve()

    def release(self) -> None:
        """Let another process take the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create(self, name: str) -> Path:
        """Return the path of a file, created empty and private if it is missing."""
        path = self.path / name
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        folder = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return path

    def require_room(self) -> None:
        """Raises StoreFull if nothing more may be stored."""
        if not self._reserve.exists():
            raise StoreFull("the disk was full, and has no room for the reserve yet")
        if self._free() < self._free_bytes:
            raise StoreFull(f"less than {self._free_bytes} bytes are free on the disk")

    def make_reserve(self) -> bool:
        """Create the reserve if it is missing; return whether there is one."""
        if self._reserve.exists():
            return True
        part = self.path / "reserve.part"
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                # Random: a file system that compresses would keep no room for zeros.
                file.write(os.urandom(RESERVE_BYTES))
                file.flush()
                os.fsync(descriptor)
            part.replace(self._reserve)
        except OSError:
            with suppress(OSError):
                part.unlink()
            return False
        return True

    def give_up_reserve(self) -> bool:
        """Remove the reserve, so that there is room to delete; return whether there was one."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def _take_lock(self) -> None:
        # A file of its own: closing a descriptor of the database would drop SQLite's locks.
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                raise
            raise StoreRefused(f"another process uses the folder {self.path}") from error
        self._lock = lock

    def _free(self) -> int:
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize
