"""The kernel's send queue of a connection."""

import sys

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # Windows
    _KERNEL_REPORTS = False
else:
    _KERNEL_REPORTS = True

_INT_BYTES = 4


def unacknowledged_bytes(descriptor: int) -> int:
    """Return the number of bytes not acknowledged by the peer; 0 if the kernel cannot report it."""
    if not _KERNEL_REPORTS:
        return 0
    try:
        answer = ioctl(descriptor, TIOCOUTQ, bytes(_INT_BYTES))
    except (OSError, ValueError):
        # Another kind of socket, or a closed one.
        return 0
    return int.from_bytes(answer, sys.byteorder)
