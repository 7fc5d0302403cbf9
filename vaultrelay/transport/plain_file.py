"""Plain files: read whole, and nothing else that a file name may stand for.

A running relay reads its files anew. A pipe would keep it waiting for a writer, and a device such
as /dev/zero never ends.
"""

import os
import stat
from errno import EFBIG, EINVAL
from pathlib import Path

from vaultrelay.policy.limits import MOST_FILE_BYTES


def read_file(path: Path) -> bytes:
    """The content of a plain file; OSError for anything else, and for one that is too large."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(EINVAL, "it is a pipe or a device, not a file")
        content = file.read(MOST_FILE_BYTES + 1)
    if len(content) > MOST_FILE_BYTES:
        raise OSError(EFBIG, f"it has more than {MOST_FILE_BYTES} bytes")
    return content


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
