"""The relays that scenarios are played to: one process for each way to listen."""

import os
import re
import resource
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.authority import Issued, chain, issue
from tests.process.processes import BIN, WAIT_SECONDS, environment

_OPTIONS = ("--max-per-address", "0", "--drain-seconds", "1", "--max-buffer", "16777216")
_FIRST_INHERITED = 3
"""The first descriptor that systemd hands over (sd_listen_fds(3))."""
_LOW_LIMIT = 640
"""Open files of a "limited" relay: fewer than its devices and what it sets aside."""
OLD_NAMES = {"first": ("localhost",), "second": ("other.test", "*.wild.test")}
"""The names of the pairs that a "several" relay has, by their files."""
_COUNTED = re.compile(r"^(vaultrelay_(?!process)\w+_total(?:\{[^}]*\})?) (\d+)", re.MULTILINE)


@dataclass
class Server:
    """A relay that runs: how to reach it, and what it counted."""

    process: "subprocess.Popen[bytes]"
    dial: Callable[[], socket.socket]
    tls: ssl.SSLContext | None
    admin: Path
    folder: Path
    root: Issued | None = None
    """Has issued the certificates, and is what the clients trust."""

    def log(self) -> str:
        """All that the relay has logged."""
        return (self.folder / "log").read_text("utf-8")

    def install(self, file: str, *names: str, **more: Any) -> Issued:
        """Put another pair in place of one, or beside them, as renewals do; what it is."""
        issued = issue(names, issuer=self.root, **more)
        write_pair(self.folder, file, issued.pem, issued.key_pem)
        return issued

    def client_tls(self) -> ssl.SSLContext:
        """A new client's context, which trusts the relay's certificates."""
        assert self.root is not None
        return ssl.create_default_context(cadata=self.root.pem.decode())

    def open_files(self) -> int:
        """How many descriptors the relay has."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def limit_files(self, maximum: int) -> None:
        """Let the relay open no more than so many descriptors from now on."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (maximum, hard))

    def counters(self) -> Counter[str]:
        """All counters of /metrics, once they stand still."""
        before = self._scrape()
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            time.sleep(0.01)
            now = self._scrape()
            if now == before:
                break
            before = now
        return Counter({name: int(value) for name, value in _COUNTED.findall(before)})

    def _scrape(self) -> str:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_SECONDS)
            sock.connect(str(self.admin))
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            parts = []
            while got := sock.recv(1 << 16):
                parts.append(got)
        text = b"".join(parts).decode()
        return "\n".join(line for line in text.splitlines() if _COUNTED.match(line))


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[Server]:
    """A relay of one kind, in a folder of its own; killed at the end if it still runs."""
    folder.mkdir(parents=True, exist_ok=True)
    root = _certificates(kind, folder) if kind.endswith("tls") else None
    admin = folder / "admin"
    inherited = _inherited(kind, folder)
    is_prepared = inherited is not None or "limited" in kind
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(_HEIR if inherited is not None else ()),
                *(BIN / "vault-relay", "--listen", _listen(kind, folder)),
                *("--admin", f"unix:{admin}", *_OPTIONS),
            ],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=environment(RELAY_RUNTIME_FOLDER=str(folder)),
            pass_fds=() if inherited is None else (_FIRST_INHERITED,),
            preexec_fn=partial(_before, kind, inherited) if is_prepared else None,  # noqa: PLW1509
        )
    try:
        port = _port(process, folder / "log")
        address: Any = ("127.0.0.1", port)
        if kind.endswith("unix"):
            address = str(folder / "relay")
        elif inherited is not None:
            address = inherited.getsockname()
        tls = None if root is None else ssl.create_default_context(cadata=root.pem.decode())
        yield Server(process, lambda: _dial(address), tls, admin, folder, root)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if inherited is not None:
            inherited.close()


def _listen(kind: str, folder: Path) -> str:
    """The endpoint string of a kind."""
    is_unix = kind.endswith("unix")
    if "activated" in kind:
        return f"systemd:domain={'UNIX' if is_unix else 'INET'}:index=0"
    where = f"unix:{folder}/relay" if is_unix else "tcp:0:interface=127.0.0.1"
    if kind.endswith("several-tls"):
        where = f"tls:{folder}:port=0:interface=127.0.0.1"
    elif kind.endswith("tls"):
        files = f"privateKey={folder}/first-key.pem:certKey={folder}/first.pem"
        where = f"ssl:{files}:port=0:interface=127.0.0.1"
    return "haproxy:" * ("proxied" in kind) + where


def _dial(address: Any) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.settimeout(WAIT_SECONDS)
    sock.connect(address)
    if not isinstance(address, str):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        line = re.search(r" listens on .*\n", log.read_text("utf-8"))
        if line:
            found = re.search(r"\(port (\d+)", line[0])
            return int(found[1]) if found else 0
        time.sleep(0.01)
    raise AssertionError(f"the relay did not start: {log.read_text('utf-8')}")


def _certificates(kind: str, folder: Path) -> Issued:
    """Write the pairs of a relay; the root that issued them."""
    first, root = chain(OLD_NAMES["first"])
    write_pair(folder, "first", first.pem, first.key_pem)
    if "several" in kind:
        second = issue(OLD_NAMES["second"], issuer=root)
        write_pair(folder, "second", second.pem, second.key_pem)
    return root


def write_pair(folder: Path, file: str, pem: bytes, key_pem: bytes) -> None:
    """A certificate and its key; each file appears whole, but not both at once."""
    for name, content in ((f"{file}.pem", pem), (f"{file}-key.pem", key_pem)):
        (folder / f"{name}.new").write_bytes(content)
        (folder / f"{name}.new").replace(folder / name)


_HEIR = ("/bin/sh", "-c", 'LISTEN_FDS=1 LISTEN_FDNAMES=relay LISTEN_PID=$$ exec "$@"', "sh")
"""A shell that names itself the heir of the descriptors, and becomes the relay."""


def _inherited(kind: str, folder: Path) -> socket.socket | None:
    """A listening socket to inherit as the first of systemd's."""
    if "activated" not in kind:
        return None
    if not kind.endswith("unix"):
        return socket.create_server(("127.0.0.1", 0))
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(folder / "relay"))
    sock.listen()
    return sock


def _before(kind: str, inherited: socket.socket | None) -> None:
    """Runs in the relay's process before the relay."""
    if inherited is not None:
        os.dup2(inherited.fileno(), _FIRST_INHERITED)
    if "limited" in kind:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_LOW_LIMIT, _LOW_LIMIT))
