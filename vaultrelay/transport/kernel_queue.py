"""What the kernel holds of a connection's output."""

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
    """Returns the bytes that the peer has not acknowledged; 0 where the kernel does not report."""
    if not _KERNEL_REPORTS:
        return 0
    try:
        answer = ioctl(descriptor, TIOCOUTQ, bytes(_INT_BYTES))
    except (OSError, ValueError):
        # Not of this kind of socket, or closed.
        return 0
    return int.from_bytes(answer, sys.byteorder)
