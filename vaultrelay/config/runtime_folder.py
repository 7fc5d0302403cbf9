"""The runtime folder: holds the socket at which a relay answers the health check of its own
machine.

The health check imports this, and must start at once: it needs little of the standard library.
"""

import os
import stat
from collections.abc import Iterable, Mapping

_SUFFIX = ".sock"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_TEMPORARY = "/tmp"  # noqa: S108  what is made in it is made for one user, and checked


class UnsafeFolder(Exception):
    """A folder in which another user could replace the relay's socket."""


def runtime_folder(
    named: str, environment: Mapping[str, str], start: str = "", user: int | None = None
) -> str:
    """Return the folder of the relay of `user`, by default the current one.

    It is `named`; else the service manager's, the login session's, or one of the user's own among
    the temporary ones. Empty without unix sockets. Names are relative to `start`, by default the
    current folder.
    """
    if not hasattr(os, "geteuid"):  # Windows
        return ""
    user = os.geteuid() if user is None else user
    managers = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if named or (managers and _may_use(managers, user)):
        return os.path.abspath(os.path.join(start, named or managers))
    session = environment.get("XDG_RUNTIME_DIR", "")
    found = _status(session)
    # su and sudo may keep another user's folder in the variable.
    if found is not None and found.st_uid == user:
        return os.path.join(session, "vault-relay")
    # tempfile would load OpenSSL, for its random names.
    temporary = os.path.abspath(os.path.join(start, environment.get("TMPDIR") or _TEMPORARY))
    if user != os.geteuid() and _may_use(_TEMPORARY, user):
        # The variable is the other user's, and may name a private folder.
        temporary = _TEMPORARY
    return os.path.join(temporary, f"vault-relay-{user}")


def folders_to_search(named: str, environment: Mapping[str, str]) -> list[str]:
    """Return the folders in which a relay of this user may have its socket, the likeliest first.

    It may have been started by su, cron or twistd, without the variables of a login session.
    """
    first = runtime_folder(named, environment)
    if named or environment.get("RUNTIME_DIRECTORY") or not first:
        return [first]
    own = f"vault-relay-{os.geteuid()}"
    temporary = environment.get("TMPDIR") or _TEMPORARY
    sessions = f"/run/user/{os.geteuid()}/vault-relay"
    others = (os.path.join(temporary, own), os.path.join(_TEMPORARY, own), sessions)
    return list(dict.fromkeys([first, *others]))


def make_folder(folder: str) -> None:
    """Make the folder for this user only. Raises OSError or UnsafeFolder if it cannot."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        check_folder(folder)


def check_folder(folder: str) -> None:
    """Raises UnsafeFolder, with a sentence, if another user could put a socket there."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        # Not even a link to a folder: its owner can redirect it.
        raise UnsafeFolder(f"{folder} is not a folder")
    if found.st_uid != os.geteuid():
        raise UnsafeFolder(f"{folder} belongs to another user")
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise UnsafeFolder(f"{folder} is writable by other users; restrict it with chmod 700")


def socket_path(folder: str, ports: Iterable[int]) -> str:
    """Return the socket path of the relay on these ports; without ports it has the process id."""
    name = "+".join(map(str, ports)) or f"process-{os.getpid()}"
    return os.path.join(folder, name + _SUFFIX)


def sockets(folder: str) -> dict[str, list[str]]:
    """Return the paths of the sockets in the folder, left-overs included, with the ports of
    each."""
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


def _status(folder: str) -> os.stat_result | None:
    """Return the status of a folder; None if there is none."""
    try:
        return os.stat(folder)
    except OSError:
        return None


def _may_use(folder: str, user: int) -> bool:
    """Return whether the mode of a folder of this process admits the other user, too."""
    if user == os.geteuid():
        return True
    found = _status(folder)
    return found is not None and (found.st_uid == user or bool(found.st_mode & stat.S_IWOTH))
