"""HAProxy as a cluster has it: a master with its worker, and the runtime API on a socket."""

import csv
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS, environment

BACKEND = "relay"
_ANSWER_BYTES = 1 << 16


class HAProxy:
    """One HAProxy, with the configuration that its folder has under its name."""

    def __init__(self, folder: Path, name: str, port: int, configuration: str) -> None:
        self.name = name
        self.port = port
        self._file = folder / f"{name}.cfg"
        self._file.write_text(configuration)
        self._admin = folder / f"{name}.admin"
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `worker` tells when it runs."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "-W", "-db", "-L", self.name, "-f", self._file],
                stdout=log,
                stderr=log,
                env=environment(),
            )

    def say(self, command: str) -> str:
        """Give the running worker a command; its answer."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(WAIT_SECONDS)
            admin.connect(str(self._admin))
            admin.sendall(f"{command}\n".encode())
            answer = b""
            while part := admin.recv(_ANSWER_BYTES):
                answer += part
        return answer.decode()

    def set_state(self, node: str, state: str) -> None:
        """Have a server be ready, drain or maint."""
        answer = self.say(f"set server {BACKEND}/{node} state {state}")
        assert not answer.strip(), answer

    def status(self, node: str) -> str:
        """UP, DOWN, DRAIN, MAINT: what HAProxy makes of a server."""
        table = csv.DictReader(StringIO(self.say(f"show stat {BACKEND} 4 -1").removeprefix("# ")))
        return next(row["status"] for row in table if row["svname"] == node)

    def worker(self) -> int:
        """The pid of the worker that takes connections; 0 where none does."""
        try:
            found = re.search(r"^Pid: (\d+)$", self.say("show info"), re.MULTILINE)
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def reload(self) -> None:
        """Start a new worker, which takes over; the old one keeps its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR2)

    def end(self) -> None:
        """Stop it with all its workers."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def program() -> str:
    """Where it is; skips the test where it is not."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if found is None:
        pytest.skip("needs HAProxy, which tests/system/install.sh could not install")
    return found


def configuration(
    folder: Path,
    name: str,
    port: int,
    nodes: Sequence[tuple[str, Path]],
    spares: Sequence[tuple[str, Path]],
    peers: Sequence[tuple[str, int]],
) -> str:
    servers = [
        f"    server {node} unix@{at} id {number} send-proxy-v2 check-send-proxy"
        + (" disabled" if (node, at) in spares else "")
        for number, (node, at) in enumerate([*nodes, *spares], 1)
    ]
    told = [f"    peer {peer} 127.0.0.1:{at}" for peer, at in peers]
    return "\n".join([f"""
global
    stats socket {folder}/{name}.admin level admin mode 600 expose-fd listeners
    log stderr format raw local0
    maxconn 4000

defaults
    mode http
    log global
    log-format "%ci [%tr] %HM %HP %ST %B %Tt %ts %s"
    timeout connect 5s
    timeout http-request 10s
    timeout client 1m
    timeout server 1m
    timeout tunnel 1h

peers lbs
""", *told, f"""
frontend public
    bind 127.0.0.1:{port}
    acl one req.hdr_cnt(X-VaultMesh-Channel) eq 1
    acl good req.hdr(X-VaultMesh-Channel) -m reg ^[A-Za-z0-9_-]{{43}}$
    http-request return status 400 unless one good
    default_backend relay

backend relay
    balance hdr(X-VaultMesh-Channel)
    hash-type consistent sdbm avalanche
    stick-table type string len 44 size 200k expire 24h srvkey name peers lbs
    stick on req.hdr(X-VaultMesh-Channel)
    http-request track-sc0 req.hdr(X-VaultMesh-Channel)
    option redispatch 1
    retries 3
    retry-on conn-failure empty-response 503
    option httpchk GET /health
    default-server check inter 2s fall 3 on-marked-down shutdown-sessions
""", *servers, ""])
