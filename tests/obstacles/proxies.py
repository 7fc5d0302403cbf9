"""HAProxy and nginx in front of a relay, configured from the templates beside this."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pytest

from tests.certificates import issue, write_pair
from tests.process.processes import BIN, RunningRelay, environment, running_relay

TEMPLATES = Path(__file__).parent / "proxies"
_TRIES = 200


@dataclass(frozen=True)
class Kind:
    """One way to put a proxy in front."""

    program: str
    mode: str = "http"
    is_tls: bool = False

    @property
    def is_proxy_protocol(self) -> bool:
        return self.mode == "tcp"

    def __str__(self) -> str:
        return f"{self.program}-{self.mode}{'-tls' if self.is_tls else ''}"


@dataclass(frozen=True)
class Front:
    """A proxy that listens, and what to trust there."""

    port: int
    tls: ssl.SSLContext | None


KINDS = [
    Kind("haproxy"),
    Kind("haproxy", "tcp"),
    Kind("haproxy", is_tls=True),
    Kind("haproxy", "tcp", is_tls=True),
    Kind("nginx"),
    Kind("nginx", is_tls=True),
]


@contextmanager
def front(kind: Kind, folder: Path, idle: str = "60s") -> Iterator[Front]:
    """A proxy of this kind that listens, and a relay behind it."""
    program = shutil.which(kind.program) or shutil.which(kind.program, path="/usr/sbin")
    if program is None:
        pytest.skip(f"needs {kind.program}, see tests/obstacles/install.sh")
    place = _free_port()
    certificate, key = write_pair(folder, issued := issue(["localhost"]))
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    trust = ssl.create_default_context(cadata=issued.pem.decode()) if kind.is_tls else None
    with _proxied_relay() if kind.is_proxy_protocol else running_relay() as relay:
        values = {
            "folder": folder,
            "mode": kind.mode,
            "idle": idle,
            "port": place,
            "relay": relay.port,
            "header": "" if kind.mode == "tcp" else "option forwardfor",
            "send_proxy": " send-proxy-v2" if kind.is_proxy_protocol else "",
            "tls": "",
            "certificate": "",
        }
        if kind.is_tls and kind.program == "haproxy":
            values["tls"] = f" ssl crt {both}"
        elif kind.is_tls:
            values["tls"] = " ssl"
            values["certificate"] = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
        name = "haproxy.cfg" if kind.program == "haproxy" else "nginx.conf"
        written = folder / name
        written.write_text(Template((TEMPLATES / name).read_text()).substitute(values))
        switches = ["-f"] if kind.program == "haproxy" else ["-p", str(folder), "-c"]
        proxy = subprocess.Popen([program, *switches, str(written)], stderr=subprocess.PIPE)
        try:
            _wait_for(place, proxy)
            yield Front(place, trust)
        finally:
            proxy.terminate()
            proxy.communicate()


@contextmanager
def _proxied_relay() -> Iterator[RunningRelay]:
    """A relay that wants the line of a proxy first."""
    process = subprocess.Popen(
        [BIN / "vault-relay", "--listen", "haproxy:tcp:0:interface=127.0.0.1"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stderr is not None
        found = re.search(r"\(port (\d+) of", said := process.stderr.readline())
        assert found, said
        yield RunningRelay(process, int(found[1]))
    finally:
        process.terminate()
        process.communicate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait_for(port: int, proxy: "subprocess.Popen[bytes]") -> None:
    for _ in range(_TRIES):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            try:
                _, said = proxy.communicate(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"the proxy ended: {said.decode()}")
        else:
            return
    pytest.fail("the proxy does not listen")
