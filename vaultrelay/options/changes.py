"""Changes: whether files are still those that were read."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

_Print: TypeAlias = tuple[tuple[object, ...], ...]


class Changes:
    """Looks at files now and then, through symbolic links, which renewals turn to other files.

    What has just changed may be half written, or one file of a pair: a change counts when the next
    look finds no other.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = sorted(files)
        self._read = self._last = _print_of(self._files)

    def look(self) -> bool:
        """Whether the files have changed, and settled."""
        before, self._last = self._last, _print_of(self._files)
        return self._last == before != self._read

    def were_read(self, files: Iterable[Path]) -> None:
        """From now on these are the files, as the last look found those that it knew."""
        known = dict(zip(self._files, self._last, strict=True))
        self._files = sorted(files)
        self._read = self._last = tuple(
            known.get(file) or print_
            for file, print_ in zip(self._files, _print_of(self._files), strict=True)
        )


def _print_of(files: Iterable[Path]) -> _Print:
    return tuple(_one(file) for file in files)


def _one(file: Path) -> tuple[object, ...]:
    try:
        status = file.stat()
        own = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        if file.is_dir():
            return own + tuple(_one(each) for each in sorted(file.rglob("*.pem")))
        return own
    except (OSError, ValueError):
        return ()
