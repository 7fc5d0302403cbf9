"""The modules of compiled twins, and the digest of their sources. setup.py reads this file, too."""

import os
from collections.abc import Iterable
from typing import Final

EVERYWHERE: Final = ("data", "frames", "records")
LINUX: Final = ("streams",)
"""Those that call the kernel as Linux has it."""

_ENDINGS = (".pyx", ".pxd", ".pxi")


def names(platform: str) -> tuple[str, ...]:
    """Return the modules that are built on a platform, as sys.platform names it."""
    return (*EVERYWHERE, *(LINUX if platform == "linux" else ()))


def digest(folder: str) -> str:
    """Return the SHA-256 of all Cython sources in a folder, in hex; empty if there are none.

    One for all of them, since they may include each other.
    """
    found = sorted(_sources(folder))
    if not found:
        return ""
    # Only a source tree has sources: an installed relay does not import hashlib for this.
    from hashlib import sha256

    total = sha256()
    for name in found:
        with open(os.path.join(folder, name), "rb") as source:
            total.update(f"{name}\n".encode())
            total.update(source.read().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def _sources(folder: str) -> Iterable[str]:
    try:
        files = os.listdir(folder)
    except OSError:
        # The relay is in an archive of modules, as PyInstaller makes it.
        return []
    # A hidden file is an editor's: Emacs locks a source by a link that leads nowhere.
    return [name for name in files if name.endswith(_ENDINGS) and not name.startswith(".")]
