"""The engines that keep the contract of a store. Another one joins by a line in ENGINES."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Protocol

from tests.store.memory_store import Disk, MemoryStore
from tests.store.sqlite_file import damage_item
from vaultrelay.store.names import Names, read_key
from vaultrelay.store.sqlite.opening import open_sqlite_store
from vaultrelay.store.store import Store, StoreLimits


class Engine(Protocol):
    """A place for one store, which is open once at most."""

    def open(self, limits: StoreLimits) -> Store:
        """Open the store, which is what the last one has left."""

    def copy(self) -> object:
        """A copy of the closed store."""

    def restore(self, copy: object) -> None:
        """Put a copy in the place of the closed store."""

    def damage(self, channel: bytes, place: int) -> None:
        """Damage an item of the closed store."""


class MemoryEngine:
    """The model."""

    def __init__(self, _: Path) -> None:
        self._disk: Disk = {}

    def open(self, limits: StoreLimits) -> Store:
        """Open the same channels as a new run."""
        return MemoryStore(self._disk, limits)

    def copy(self) -> object:
        """A copy of the channels."""
        return deepcopy(self._disk)

    def restore(self, copy: object) -> None:
        """Go back to a copy."""
        assert isinstance(copy, dict)
        self._disk = deepcopy(copy)

    def damage(self, channel: bytes, place: int) -> None:
        """Let an item expire, which has the same consequences."""
        self._disk[channel].items[place].expires = 0


class SqliteEngine:
    """A folder, and copies of it beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mailbox"
        self.key = folder / "key"
        self._copies = 0

    def open(self, limits: StoreLimits) -> Store:
        """Open the folder."""
        return open_sqlite_store(self.path, self.key, limits, free_bytes=0)

    def copy(self) -> object:
        """Copy all files."""
        self._copies += 1
        target = self.path.with_name(f"copy{self._copies}")
        shutil.copytree(self.path, target)
        return target

    def restore(self, copy: object) -> None:
        """Copy all files back."""
        shutil.rmtree(self.path)
        shutil.copytree(Path(str(copy)), self.path)

    def damage(self, channel: bytes, place: int) -> None:
        """Change the payload of an item, and not its checksum."""
        damage_item(self.path, Names(read_key(self.key)).channel(channel), place)


ENGINES: dict[str, Callable[[Path], Engine]] = {"memory": MemoryEngine, "sqlite": SqliteEngine}
