"""Plain files: read whole, and nothing else that a file name may stand for.

A running relay reads its files anew. A pipe would keep it waiting for a writer, and a device such
as /dev/zero never ends.
"""

import os
import stat
from contextlib import suppress
from errno import EFBIG, EINVAL
from pathlib import Path

from vaultrelay.policy.limits import MOST_FILE_BYTES

_OTHERS = stat.S_IROTH
_OTHERS_ENTER = stat.S_IXOTH


def read_file(path: Path) -> bytes:
    """The content of a plain file; OSError for anything else, and for one that is too large."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(EINVAL, "it is a pipe or a device, not a file")
        content = file.read(MOST_FILE_BYTES + 1)
    if len(content) > MOST_FILE_BYTES:
        raise OSError(EFBIG, f"it has more than {MOST_FILE_BYTES} bytes")
    return content


def why_unreadable(path: Path, error: OSError) -> str:
    """Why a file or folder could not be read; for a missing permission, which one and the user."""
    if not isinstance(error, PermissionError):
        return (error.strerror or "unreadable").lower()
    folder = _barred_folder(path)
    if folder is None:
        return f"permission denied. Its owner and mode must let {_user()} read it"
    return (
        f"permission denied for the folder {folder}. Its owner and mode must let {_user()} enter it"
    )


def is_open_to_all(path: Path) -> bool:
    """Whether every user of this machine can read a file. False where its mode cannot tell."""
    if os.name == "nt":
        return False
    real = Path(os.path.realpath(path))
    with suppress(OSError):
        return bool(real.stat().st_mode & _OTHERS) and all(
            folder.stat().st_mode & _OTHERS_ENTER for folder in real.parents
        )
    return False


def _barred_folder(path: Path) -> Path | None:
    """The outermost folder on the way to a file that this user may not enter."""
    for way in (path.absolute(), Path(os.path.realpath(path))):
        for folder in reversed(way.parents):
            try:
                # Whatever is inside of it.
                (folder / "-").stat()
            except PermissionError:
                return folder
            except OSError:
                continue
    return None


def _user() -> str:
    """The user that this process runs as, by name where there is one."""
    try:
        import pwd
    except ImportError:  # Windows
        return "the relay's user"
    number = os.geteuid()
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user {number}"


def start_folder() -> str:
    """Return the folder in which relative names are meant, before twistd goes to its --rundir."""
    try:
        return str(Path.cwd())
    except OSError:
        # The folder was removed: there is nothing in it by any name.
        return ""


def _open_without_waiting(path: str, flags: int) -> int:
    # Windows has no such flag, and no pipes among its files.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
