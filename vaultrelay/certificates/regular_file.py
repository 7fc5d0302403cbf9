"""Regular files: reads them completely, and rejects other kinds of files.

A running relay reads its files again. A pipe would block it until a writer opens it, and a device
such as /dev/zero never ends.
"""

import os
import stat
from contextlib import suppress
from errno import EFBIG, EINVAL
from pathlib import Path

from vaultrelay.policy.limits.access import MAX_FILE_BYTES


def read_file(path: Path) -> bytes:
    """Return the content of a regular file. Raises OSError if it is another kind or too large."""
    with open(path, "rb", opener=_open_nonblocking) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(EINVAL, "not a regular file but a pipe or a device")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(EFBIG, f"larger than {MAX_FILE_BYTES} bytes")
    return content


def unreadable_reason(path: Path, error: OSError) -> str:
    """Return why a file or folder is unreadable; for a missing permission, with the user."""
    if not isinstance(error, PermissionError):
        return (error.strerror or "unreadable").lower()
    folder = _inaccessible_folder(path)
    if folder is None:
        return f"permission denied. Let {_user()} read it: change its owner or mode"
    return (
        f"permission denied for the folder {folder}. Let {_user()} enter it: change its owner or "
        "mode"
    )


def is_world_readable(path: Path) -> bool:
    """Return whether every user of this machine can read a file. False if its mode is unknown."""
    if os.name == "nt":
        return False
    real = Path(os.path.realpath(path))
    with suppress(OSError):
        return bool(real.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in real.parents
        )
    return False


def _inaccessible_folder(path: Path) -> Path | None:
    """Return the outermost folder in a file's path that this user may not enter."""
    for variant in (path.absolute(), Path(os.path.realpath(path))):
        for folder in reversed(variant.parents):
            try:
                # Any name: the lookup needs the permission, even if no such file exists.
                (folder / "-").stat()
            except PermissionError:
                return folder
            except OSError:
                continue
    return None


def _user() -> str:
    """Return the user of this process, by name if there is one."""
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
    """Return the folder for relative names, before twistd changes to its --rundir."""
    try:
        return str(Path.cwd())
    except OSError:
        # The folder was removed: no relative name exists.
        return ""


def _open_nonblocking(path: str, flags: int) -> int:
    # Windows has no such flag, and no pipes among its files.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
