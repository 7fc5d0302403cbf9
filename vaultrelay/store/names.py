"""Names: what stands in a store for channels and payers, so that a stolen file names none.

Their keyed hashes. The key is in a file of its own, best outside of the folder, and not in backups
of the store. Without the key the store is useless, as no channel is found: so the store has a check
value of it, and a lost key is reported instead of an empty mailbox.
"""

import os
import secrets
from hashlib import blake2b
from pathlib import Path

from vaultrelay.store.store import StoreRefused

KEY_BYTES = 32
NAME_BYTES = 16


class Names:
    """Keyed hashes by one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def channel(self, channel: bytes) -> bytes:
        """Return the name of a channel."""
        return self._hash(channel, b"channel")

    def payer(self, payer: bytes) -> bytes:
        """Return the name of a payer."""
        return self._hash(payer, b"payer")

    def check_value(self) -> bytes:
        """Return what identifies the key without revealing it."""
        return self._hash(b"", b"check")

    def _hash(self, what: bytes, person: bytes) -> bytes:
        return blake2b(what, key=self._key, digest_size=NAME_BYTES, person=person).digest()


def read_key(path: Path) -> bytes:
    """Return the key in a file. Raises StoreRefused if it is missing, not private, or no key."""
    try:
        # Opening a FIFO would wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise StoreRefused(
            f"the key of the mailbox, {path}, is unreadable: {error.strerror}. Restore it from "
            "where you keep it, or move the store away to begin with an empty one"
        ) from error
    if mode & 0o077:
        raise StoreRefused(f"others can read the key of the mailbox: chmod 600 {path}")
    if len(key) != KEY_BYTES:
        raise StoreRefused(f"{path} is no key of a mailbox: it must have {KEY_BYTES} bytes")
    return key


def create_key(path: Path) -> bytes:
    """Write a new key into a new file, and return it. Raises StoreRefused if that fails."""
    key = secrets.token_bytes(KEY_BYTES)
    part = path.with_name(f"{path.name}.part")
    try:
        # Under its name only when it is complete and on the disk: a power cut leaves no half key.
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        part.replace(path)
    except OSError as error:
        raise StoreRefused(
            f"the key of the mailbox, {path}, cannot be written: {error.strerror}"
        ) from error
    return key
