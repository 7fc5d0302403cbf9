"""File systems: what kind a folder is on."""

import re
from pathlib import Path

_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "virtiofs")
)
"""Kinds as the kernel names them. All of FUSE are added: there is no telling what is behind."""


def is_network(kind: str) -> bool:
    """Return whether files of this kind of file system may be on another machine."""
    return kind in _NETWORK or kind.startswith("fuse")


def file_system(folder: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the kind of file system of a folder, such as "ext4"; empty if unknown, as on systems
    without proc(5)."""
    try:
        lines = mountinfo.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    real = folder.resolve()
    kind, depth = "", 0
    for line in lines:
        mount, _, rest = line.partition(" - ")
        point = Path(_unescaped(mount.split(" ")[4]))
        # Of several mounts on one point the last is on top.
        if real.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = rest.split(" ")[0], len(point.parts)
    return kind


def _unescaped(point: str) -> str:
    r"""Undo the escapes of a space, a tab, a newline and a backslash, such as \040."""
    return re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), point)
