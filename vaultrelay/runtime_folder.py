"""The runtime folder: where a relay leaves the socket at which its own machine asks how it is.

The health check imports this, and must start at once: it needs little of the standard library.
"""

import os
import stat
from collections.abc import Iterable, Mapping

_SUFFIX = ".sock"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class UnsafeFolder(Exception):
    """A folder in which somebody else could put a socket in the relay's place."""


def runtime_folder(named: str, environment: Mapping[str, str]) -> str:
    """The folder that is `named`; else the service manager's, the login session's, or one of ours
    among the temporary ones. None, so an empty name, where there are no unix sockets."""
    if not hasattr(os, "geteuid"):  # Windows
        return ""
    given = named or environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if given:
        return os.path.abspath(given)
    session = environment.get("XDG_RUNTIME_DIR", "")
    if _is_ours(session):
        return os.path.join(session, "vault-relay")
    # tempfile would load OpenSSL, for its random names.
    temporary = environment.get("TMPDIR") or "/tmp"  # noqa: S108  made for one user, and checked
    return os.path.join(os.path.abspath(temporary), f"vault-relay-{os.geteuid()}")


def make_folder(folder: str) -> None:
    """Make the folder for this user alone; OSError or UnsafeFolder where that cannot be."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        check_folder(folder)


def check_folder(folder: str) -> None:
    """UnsafeFolder, with a sentence, where somebody else could put a socket."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        # Not even a link to a folder: whoever made it can turn it elsewhere.
        raise UnsafeFolder(f"{folder} is not a folder")
    if found.st_uid != os.geteuid():
        raise UnsafeFolder(f"{folder} belongs to another user")
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise UnsafeFolder(f"{folder} can be written by others; chmod 700 puts that right")


def socket_path(folder: str, ports: Iterable[int]) -> str:
    """The socket of the relay that listens on these ports; a relay without any has its process."""
    name = "+".join(map(str, ports)) or f"process-{os.getpid()}"
    return os.path.join(folder, name + _SUFFIX)


def sockets(folder: str) -> dict[str, list[str]]:
    """The paths of the sockets in the folder, left-overs included, and the ports of each."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    return {
        os.path.join(folder, name): [
            port for port in name.removesuffix(_SUFFIX).split("+") if port.isdigit()
        ]
        for name in names
        if name.endswith(_SUFFIX)
    }


def _is_ours(folder: str) -> bool:
    """Whether the folder is there and this user's; su and sudo may leave another one's name."""
    try:
        return os.stat(folder).st_uid == os.geteuid()
    except OSError:
        return False
