"""Inherited sockets: those that a service manager passed to this process (sd_listen_fds(3)).

The family comes from each socket itself. With a wrong family, its addresses would be misread, and
every rule for addresses would use the wrong ones.
"""

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from twisted.python.systemd import ListenFDs

from vaultrelay.transport.endpoint_syntax import BadEndpoint
from vaultrelay.transport.listening_socket import duplicate

DOMAINS = ("INET", "INET6", "UNIX")
_UNNAMED = "unknown"
"""The name of a socket that the manager did not name (sd_listen_fds_with_names(3))."""


def find_socket(index: str | None, name: str | None) -> int:
    """Return the descriptor of the listening socket with this index or name.

    Raises BadEndpoint if there is none.
    """
    if (index is None) is (name is None):
        raise BadEndpoint("needs either index= or name=, but not both")
    sockets = passed_sockets()
    if not sockets:
        raise BadEndpoint(f"names a socket that systemd did not pass to this process{_pid_hint()}")
    found = [fd for at, (fd, each) in enumerate(sockets) if index == str(at) or name == each]
    passed = ", ".join(f"index {at} (name {each})" for at, (_, each) in enumerate(sockets))
    if not found:
        part = "a name" if index is None else "an index"
        raise BadEndpoint(f"has {part} that systemd did not pass; it passed {passed}")
    if len(found) > 1:
        raise BadEndpoint(
            f"has a name that several sockets share: use index= instead, one of {passed}"
        )
    _check(found[0])
    return found[0]


def _check(descriptor: int) -> None:
    """Check a descriptor. Raises BadEndpoint if it is not a listening stream socket."""
    try:
        with duplicate(descriptor) as checked:
            family, kind = checked.family, checked.type
            listens = checked.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        raise BadEndpoint("names a descriptor that is not a socket") from None
    if kind != socket.SOCK_STREAM:
        raise BadEndpoint(
            "names a socket that is not a stream socket: use ListenStream= in the socket unit"
        )
    if family not in [getattr(socket, f"AF_{domain}") for domain in DOMAINS]:
        raise BadEndpoint("names a socket that is neither TCP nor a unix socket")
    if not listens:
        raise BadEndpoint(
            "names a socket that does not listen: it may be a connection, so use Accept=no in the "
            "socket unit"
        )


@cache
def passed_sockets() -> tuple[tuple[int, str], ...]:
    """Return descriptor and name of each socket passed to this process, in their order."""
    environment = dict(start_environment())
    count = environment.get("LISTEN_FDS", "")
    if not environment.get("LISTEN_FDNAMES") and count.isascii() and count.isdigit():
        environment["LISTEN_FDNAMES"] = ":".join([_UNNAMED] * int(count))
    passed = ListenFDs.fromEnvironment(environment)
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    return tuple(zip(passed.inheritedDescriptors(), names, strict=False))


def start_environment() -> Mapping[str, str]:
    """Return the environment of the process at its start.

    Twisted removes LISTEN_FDS from os.environ when its endpoints are imported, and drops sockets
    without names.
    """
    try:
        variables = os.fsdecode(Path("/proc/self/environ").read_bytes()).split("\0")
    except OSError:
        return os.environ
    return dict(each.split("=", 1) for each in variables if "=" in each)


def _pid_hint() -> str:
    process = start_environment().get("LISTEN_PID", str(os.getpid()))
    if process == str(os.getpid()):
        return ""
    return f": LISTEN_PID names another process, {process!a}. Start the relay with exec"
