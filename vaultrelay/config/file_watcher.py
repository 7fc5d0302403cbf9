"""FileWatcher: detects changes of files."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeAlias

from vaultrelay.policy.rest import Rest, no_rest

_Print: TypeAlias = tuple[object, ...]
"""What changes with a file; empty if it cannot be found."""


class FileWatcher:
    """Checks files periodically, through symbolic links, which renewals redirect to other files.

    All content of `folders` counts. Another folder instead of a file is not searched: it may
    be /. A file that has just changed may be half written, or one file of a pair: a change counts
    when the next check finds no other. `current` is the file being checked. `rest` is called after
    each file.
    """

    current: Path | None = None

    def __init__(
        self, files: Iterable[Path], folders: Collection[Path] = (), rest: Rest = no_rest
    ) -> None:
        self._rest = rest
        self._last: dict[Path, _Print] = {}
        self.watch(files, folders)

    def changed(self) -> frozenset[Path]:
        """Check the files; return those that have changed, once all have settled."""
        before = self._last
        self._last = {file: self._print_of(file) for file in before}
        if self._last != before:
            return frozenset()
        return frozenset(file for file in before if before[file] != self._read[file])

    def watch(self, files: Iterable[Path], folders: Collection[Path] = ()) -> None:
        """Replace the files to check; known ones are in the state of the last check."""
        self._folders = folders
        self._read = self._last = {
            file: self._last.get(file) or self._print_of(file) for file in files
        }

    def _print_of(self, file: Path) -> _Print:
        self.current = file
        found = self._file_print(file, file in self._folders)
        self.current = None
        return found

    def _file_print(self, file: Path, with_content: bool = False) -> _Print:
        self._rest()
        try:
            found = file.stat()
            # The last changes with owner and mode, too, which may have been the fault.
            own = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
            if with_content and file.is_dir():
                return own + tuple(map(self._file_print, sorted(file.rglob("*.pem"))))
        except (OSError, ValueError):
            return ()
        return own
