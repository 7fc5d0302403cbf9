"""The relays that scenarios are played to: one process for each way to listen."""

import os
import re
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

from tests.authority import issue
from tests.process.processes import BIN, WAIT_SECONDS, environment

_OPTIONS = ("--max-per-address", "0", "--drain-seconds", "1", "--max-buffer", "16777216")
_FIRST_INHERITED = 3
"""The first descriptor that systemd hands over (sd_listen_fds(3))."""
_COUNTED = re.compile(r"^(vaultrelay_(?!process)\w+_total(?:\{[^}]*\})?) (\d+)", re.MULTILINE)


@dataclass
class Server:
    """A relay that runs: how to reach it, and what it counted."""

    process: "subprocess.Popen[bytes]"
    dial: Callable[[], socket.socket]
    tls: ssl.SSLContext | None
    admin: Path

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
    is_tls, is_unix = kind.endswith("tls"), kind.endswith("unix")
    certificate, tls = _certificate(folder) if is_tls else ("", None)
    admin = folder / "admin"
    activated, inherit = _activated(kind)
    listen = (
        "systemd:domain=INET:index=0"
        if activated is not None
        else ("haproxy:" * ("proxied" in kind))
        + (f"unix:{folder}/relay" if is_unix else f"{certificate}0:interface=127.0.0.1")
    )
    if not is_unix and not is_tls and activated is None:
        listen = listen.replace("0:interface", "tcp:0:interface")
    process = subprocess.Popen(
        [*inherit, BIN / "vault-relay", "--listen", listen, "--admin", f"unix:{admin}", *_OPTIONS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(RELAY_RUNTIME_FOLDER=str(folder)),
        pass_fds=() if activated is None else (_FIRST_INHERITED,),
        preexec_fn=None if activated is None else partial(_hand_over, activated.fileno()),  # noqa: PLW1509
    )
    try:
        port = _port(process)
        address: Any = ("127.0.0.1", port)
        if activated is not None:
            address = activated.getsockname()
        if is_unix:
            address = str(folder / "relay")
        yield Server(process, lambda: _dial(address), tls, admin)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        if activated is not None:
            activated.close()


def _dial(address: Any) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.settimeout(WAIT_SECONDS)
    sock.connect(address)
    if not isinstance(address, str):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _port(process: "subprocess.Popen[bytes]") -> int:
    assert process.stderr is not None
    while True:
        line = process.stderr.readline().decode()
        assert line, "the relay did not start"
        if " listens on " in line:
            found = re.search(r"\(port (\d+)", line)
            return int(found[1]) if found else 0


def _certificate(folder: Path) -> tuple[str, ssl.SSLContext]:
    issued = issue(names=("localhost",))
    (folder / "cert.pem").write_bytes(issued.pem)
    (folder / "key.pem").write_bytes(issued.key_pem)
    context = ssl.create_default_context(cadata=issued.pem.decode())
    return f"ssl:privateKey={folder}/key.pem:certKey={folder}/cert.pem:port=", context


def _activated(kind: str) -> tuple[socket.socket | None, tuple[str, ...]]:
    """A listening socket to inherit as the first of systemd's, and a shell that names its heir."""
    if "activated" not in kind:
        return None, ()
    script = 'LISTEN_FDS=1 LISTEN_FDNAMES=relay LISTEN_PID=$$ exec "$@"'
    return socket.create_server(("127.0.0.1", 0)), ("/bin/sh", "-c", script, "sh")


def _hand_over(descriptor: int) -> None:
    os.dup2(descriptor, _FIRST_INHERITED)
