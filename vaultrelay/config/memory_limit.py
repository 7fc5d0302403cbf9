"""The memory that this process may use: the machine's, or less under a control group."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def memory_bytes(groups: Path = _GROUPS, own: Path = _OWN) -> int:
    """Return the memory in bytes; 0 if it is unknown."""
    limits = [_number(file) for file in _limit_files(groups, own)]
    # A hardened unit hides /proc/meminfo. Windows has no sysconf.
    with suppress(ValueError, OSError, AttributeError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(filter(None, limits), default=0)


def _limit_files(groups: Path, own: Path) -> Iterator[Path]:
    # Version 1 presents a container's own group as the root.
    yield groups / "memory" / "memory.limit_in_bytes"
    for line in _text(own).splitlines():
        number, _, path = line.partition("::")
        if number == "0":
            # Version 2: every group above limits this one, too.
            folder = groups / path.strip("/")
            while folder.is_relative_to(groups):
                yield folder / "memory.max"
                folder = folder.parent


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
