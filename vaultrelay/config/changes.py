"""Changes: whether files are still those that were read."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeAlias

_Print: TypeAlias = tuple[tuple[object, ...], ...]


class Changes:
    """Looks at files now and then, through symbolic links, which renewals turn to other files.

    Of `folders` all that is in them counts. Another that stands where a file should may be /.

    What has just changed may be half written, or one file of a pair: a change counts when the next
    look finds no other.
    """

    def __init__(self, files: Iterable[Path], folders: Collection[Path] = ()) -> None:
        self._files = sorted(files)
        self._folders = folders
        self._read = self._last = self._prints()

    def look(self) -> bool:
        """Whether the files have changed, and settled."""
        before, self._last = self._last, self._prints()
        return self._last == before != self._read

    def were_read(self, files: Iterable[Path], folders: Collection[Path] = ()) -> None:
        """From now on these are the files, as the last look found those that it knew."""
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
        # The last is new with another owner or mode, too, which may have been the trouble.
        own = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        if with_content and file.is_dir():
            return own + tuple(_print_of(each) for each in sorted(file.rglob("*.pem")))
        return own
    except (OSError, ValueError):
        return ()
