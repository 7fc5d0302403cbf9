"""The kernel's queues of a connection: unacknowledged bytes, and the time before accept."""

import socket
import sys
from struct import Struct

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # Windows
    _KERNEL_REPORTS = False
else:
    _KERNEL_REPORTS = True

_INT_BYTES = 4
_TCP_INFO = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_INFO = Struct("=B51xI")
"""Of struct tcp_info of linux/tcp.h: tcpi_state and tcpi_last_data_recv, in milliseconds."""
_ESTABLISHED = 1


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


def waited_in_queue(accepted: socket.socket) -> tuple[float, bool]:
    """Return the seconds since the last data of a client, and whether it has ended the connection.

    Just after accept the former is the wait in the accept queue. 0 and False if the kernel does not
    report it.
    """
    if _TCP_INFO is None:
        return 0.0, False
    try:
        answer = accepted.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO.size)
    except OSError:
        # Not a TCP socket.
        return 0.0, False
    if len(answer) < _INFO.size:
        return 0.0, False
    state, milliseconds = _INFO.unpack(answer)
    return milliseconds / 1000, state != _ESTABLISHED
