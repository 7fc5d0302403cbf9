"""TokenFile: a relay's token file, changed in one step while the relay may read it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

from vaultrelay.certificates.regular_file import read_file, unreadable_reason
from vaultrelay.policy.access_lists import BadLine, TokenLine, read_token_lines

_BOM = "\ufeff"


class BadTokenFile(Exception):
    """A token file that cannot be read or replaced: its path, and the reason."""


class TokenFile:
    """A token file: its text and its parsed lines; comments and order are kept."""

    def __init__(self, path: Path, may_be_new: bool = False) -> None:
        """Raises BadTokenFile if it cannot be read, or has a line that the relay refuses."""
        # A link stays one: the file behind it is replaced.
        self.path = Path(os.path.realpath(path))
        self.is_new = may_be_new and not self.path.exists()
        try:
            self._text = "" if self.is_new else read_file(self.path).decode()
            self.lines: list[TokenLine] = read_token_lines(self._text.removeprefix(_BOM))
        except OSError as error:
            raise BadTokenFile(f"{path} cannot be read: {unreadable_reason(path, error)}") from None
        except UnicodeDecodeError:
            raise BadTokenFile(f"{path} is not UTF-8 text") from None
        except BadLine as error:
            raise BadTokenFile(f"{path}: {error}") from None

    @property
    def labels(self) -> list[str]:
        """Return the labels of its tokens."""
        return [line.label for line in self.lines if line.label]

    def append(self, line: str) -> None:
        """Write the file with one more line. Raises BadTokenFile if it cannot."""
        end = "\r\n" if "\r\n" in self._text else "\n"
        before = end if self._text and not self._text.endswith("\n") else ""
        self._write(f"{self._text}{before}{line}{end}")

    def remove(self, label: str) -> None:
        """Write the file without the lines of a label. Raises BadTokenFile if it cannot."""
        gone = {line.number for line in self.lines if line.label == label}
        rows = enumerate(self._text.split("\n"), 1)
        self._write("\n".join(row for number, row in rows if number not in gone))

    def _write(self, text: str) -> None:
        """Replace the file, with its owner, group and mode; a new one is private to its owner."""
        try:
            number, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            temporary = Path(name)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(text.encode())
                    if not self.is_new:
                        _copy_rights(self.path, temporary)
                    file.flush()
                    os.fsync(number)
                temporary.replace(self.path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise BadTokenFile(f"{self.path} cannot be replaced: {reason}") from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the files of its folder against other commands, so that no change is lost."""
    try:
        import fcntl

        folder = os.open(Path(os.path.realpath(path)).parent, os.O_RDONLY)
    except ImportError:  # Windows
        yield
        return
    except OSError as error:
        raise BadTokenFile(f"{path} cannot be read: {unreadable_reason(path, error)}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _copy_rights(source: Path, target: Path) -> None:
    wanted, given = source.stat(), target.stat()
    if (wanted.st_uid, wanted.st_gid) != (given.st_uid, given.st_gid):
        os.chown(target, wanted.st_uid, wanted.st_gid)
    target.chmod(S_IMODE(wanted.st_mode))
