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

from vaultrelay.transport.listening_socket import duplicate

DOMAINS = ("INET", "INET6", "UNIX")
_UNNAMED = "unknown"
"""The name of a socket that the manager did not name (sd_listen_fds_with_names(3))."""


class NoSuchSocket(ValueError):
    """An inherited socket is missing or cannot listen; the text is the reason."""


def find_socket(index: str | None, name: str | None) -> int:
    """Return the descriptor of this index or name. Raises NoSuchSocket if there is none."""
    if (index is None) is (name is None):
        raise NoSuchSocket("must say either index= or name=, and not both")
    sockets = passed_sockets()
    if not sockets:
        raise NoSuchSocket(f"names a socket that systemd did not pass to this process{_why_none()}")
    passed = ", ".join(f"index {at} (name {each})" for at, (_, each) in enumerate(sockets))
    if index is not None:
        is_number = index.isascii() and index.isdigit() and len(index) <= len(str(len(sockets)))
        if not is_number or int(index) >= len(sockets):
            raise NoSuchSocket(f"has an index that systemd did not pass; it passed {passed}")
        return sockets[int(index)][0]
    found = [descriptor for descriptor, each in sockets if each == name]
    if not found:
        raise NoSuchSocket(f"has a name that systemd did not pass; it passed {passed}")
    if len(found) > 1:
        raise NoSuchSocket(f"has a name of several sockets: take index= instead, of {passed}")
    return found[0]


def check_socket(descriptor: int) -> None:
    """Check a descriptor. Raises NoSuchSocket if it is not a listening stream socket."""
    try:
        with duplicate(descriptor) as asked:
            family, kind = asked.family, asked.type
            listens = asked.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        raise NoSuchSocket("names a descriptor that is no socket") from None
    if kind != socket.SOCK_STREAM:
        raise NoSuchSocket(
            "names a socket that is not for streams: take ListenStream= in the socket unit"
        )
    if family not in [getattr(socket, f"AF_{domain}") for domain in DOMAINS]:
        raise NoSuchSocket("names a socket that is neither TCP nor a unix socket")
    if not listens:
        raise NoSuchSocket(
            "names a socket that does not listen: it may be a connection, so take Accept=no in the "
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


def _why_none() -> str:
    environment = start_environment()
    process = environment.get("LISTEN_PID")
    if process is not None and process != str(os.getpid()):
        return f": LISTEN_PID names another process, {process!a}. Start the relay with exec"
    return ""
