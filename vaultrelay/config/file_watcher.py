"""Changes: detects changed files."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeAlias

_Print: TypeAlias = tuple[tuple[object, ...], ...]


class Changes:
    """Checks files periodically, through symbolic links, which renewals redirect to other files.

    All content of `folders` counts. Any other folder in the place of a file is not searched: it may
    be /. A file that has just changed may be half written, or one file of a pair: a change counts
    when the next check finds no other.
    """

    def __init__(self, files: Iterable[Path], folders: Collection[Path] = ()) -> None:
        self._files = sorted(files)
        self._folders = folders
        self._read = self._last = self._prints()

    def look(self) -> bool:
        """Return whether the files have changed, and settled."""
        before, self._last = self._last, self._prints()
        return self._last == before != self._read

    def were_read(self, files: Iterable[Path], folders: Collection[Path] = ()) -> None:
        """Replace the files to check; known ones are in the state of the last check."""
        known = dict(zip(self._files, self._last, strict=True))
        self._files = sorted(files)
        self._folders = folders
        self._read = self._last = tuple(
            known.get(file) or print_
            for file, print_ in zip(self._files, self._prints(), strict=True)
        )

    def _prints(self) -> _Print:
        return tuple(_print_of(file, file in self._folders) for file in self._files)


def _print_of(file: Path, with_content: bool = False) -> tuple[object, ...]:
    try:
        status = file.stat()
        # The last changes with owner and mode, too, which may have been the fault.
        own = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        if with_content and file.is_dir():
            return own + tuple(_print_of(each) for each in sorted(file.rglob("*.pem")))
        return own
    except (OSError, ValueError):
        return ()
