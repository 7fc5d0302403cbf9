"""The configurations of docs/proxies in front of a relay: the very files, in a test's place."""

import grp
import os
import pwd
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authority import chain, write_pair
from tests.process.processes import WAIT_SECONDS, RunningRelay, environment, running_relay

CONFIGURATIONS = Path(__file__).parents[2] / "docs" / "proxies"
_PORT, _SOCKET = "127.0.0.1:8080", "/run/vault-relay/devices"
_TRIES, _TRY_SECONDS = 400, 0.05


@dataclass(frozen=True)
class Kind:
    """One way to put a proxy in front: its files, the first of which the program is told."""

    program: str
    files: tuple[str, ...]
    is_unix: bool = False

    @property
    def is_proxy_protocol(self) -> bool:
        return "proxy-protocol" in self.files[0]

    def __str__(self) -> str:
        name = self.files[0].partition(".")[0].lower().replace("caddyfile", "caddy")
        return name + ("-unix" if self.is_unix else "")


NGINX = Kind("nginx", ("nginx.conf",))
HAPROXY = Kind("haproxy", ("haproxy.cfg",))
HAPROXY_PROXY_PROTOCOL = Kind("haproxy", ("haproxy-proxy-protocol.cfg",))
CADDY = Kind("caddy", ("Caddyfile",))
TRAEFIK = Kind("traefik", ("traefik.yml", "traefik-dynamic.yml"))
ON_PORTS = [NGINX, HAPROXY, HAPROXY_PROXY_PROTOCOL, CADDY, TRAEFIK]
ON_SOCKETS = [Kind(each.program, each.files, is_unix=True) for each in ON_PORTS[:4]]


@dataclass(frozen=True)
class Front:
    """A proxy that listens, with what it wrote, and the relay behind it if there is one."""

    kind: Kind
    port: int
    certificate: Path
    log: Path
    relay: RunningRelay | None

    def tls(self, *alpn: str) -> ssl.SSLContext:
        """What a device needs to trust it."""
        context = ssl.create_default_context(cafile=self.certificate)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def logged(self, awaited: str) -> str:
        """What the proxy wrote, from when `awaited` is in it."""
        for _ in range(_TRIES):
            if awaited in (text := self.log.read_text()):
                return text
            time.sleep(_TRY_SECONDS)
        pytest.fail(f"{awaited!r} is not in the log of {self.kind}: {text}")


@contextmanager
def front(
    kind: Kind, folder: Path, *options: str, idle: str = "15m", upstream: int | None = None
) -> Iterator[Front]:
    """A proxy of this kind, and a relay behind it with what its file says and these options.

    With `upstream`, what listens on that port stands for the relay.
    """
    program = shutil.which(kind.program) or shutil.which(kind.program, path="/usr/sbin")
    if program is None:
        pytest.skip(f"needs {kind.program}, which tests/system/install.sh could not install")
    texts = [(CONFIGURATIONS / name).read_text() for name in kind.files]
    relay = None
    with ExitStack() as stack:
        if upstream is None:
            relay = stack.enter_context(_relay(kind, texts[0], folder, *options))
        behind = f"127.0.0.1:{upstream or (relay and relay.port)}"
        certificate, key = write_pair(folder, *chain(["localhost"]))
        port, log = free_port(), folder / "proxy.log"
        edits = _edits(folder, port, idle, certificate, key)[kind.program]
        for old in edits:
            assert any(old in text for text in texts), f"{kind.files} have no {old!r}"
        if kind.is_unix:
            texts = [_with_socket(text) for text in texts]
        edits |= {_PORT: behind, _SOCKET: str(folder / "devices")}
        edits |= {"relay.example.org": "localhost"}
        for name, text in zip(kind.files, texts, strict=True):
            for old, new in edits.items():
                text = text.replace(old, new)  # noqa: PLW2901
            (folder / name).write_text(text)
        stack.enter_context(running(kind, [program, *_arguments(kind, folder)], port, log))
        yield Front(kind, port, certificate, log, relay)


def free_port() -> int:
    """One that nobody listens on, on any address."""
    with socket.create_server(("", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _relay(
    kind: Kind, text: str, folder: Path, *options: str
) -> AbstractContextManager[RunningRelay]:
    """The relay as the file says how to start it, first on a port, then on a unix socket."""
    said = re.findall(r"^#   vault-relay (.*)$", text.replace(" \\\n#     ", " "), re.MULTILINE)
    command = said[1 if kind.is_unix else 0].replace(_SOCKET, str(folder / "devices"))
    command = command.replace("relay.example.org", "localhost").replace("tcp:8080", "tcp:0")
    return running_relay(*shlex.split(command), *options)


def _with_socket(text: str) -> str:
    """The file with its line for a port taken out, and that for a unix socket taken in."""
    lines = [line for line in text.splitlines() if line.startswith("#") or _PORT not in line]
    return re.sub(
        rf"^(\s+)# (.*{_SOCKET}.*)$", r"\1\2", "\n".join(lines) + "\n", flags=re.MULTILINE
    )


def _edits(
    folder: Path, port: int, idle: str, certificate: Path, key: Path
) -> dict[str, dict[str, str]]:
    """What is replaced in the files of each program, beside the relay's name and place."""
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    issued = "/etc/letsencrypt/live/relay.example.org"
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return {
        "nginx": {
            "user www-data;": f"user {user} {group};",
            "/run/nginx.pid": f"{folder}/nginx.pid",
            "/var/log/nginx/error.log": "stderr",
            "/var/log/nginx/relay.log": f"{folder}/proxy.log",
            "http {\n": "http {\n" + "".join(f"{at}_temp_path {folder}/{at};\n" for at in places),
            "listen 443 ": f"listen {port} ",
            "listen [::]:443 ": f"listen [::]:{port} ",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen [::]:80;": "",
            f"{issued}/fullchain.pem": str(certificate),
            f"{issued}/privkey.pem": str(key),
            "15m": idle,
        },
        "haproxy": {
            "log /dev/log local0": "log stderr format raw local0",
            "user haproxy": f"user {user}",
            "group haproxy": f"group {group}",
            "bind *:443 ": f"bind *:{port} ",
            "bind :::443 ": f"bind :::{port} ",
            "/etc/haproxy/relay.example.org.pem": str(both),
            "15m": idle,
        },
        "caddy": {
            "\n{\n": f"\n{{\n\thttp_port {free_port()}\n\tadmin off\n",
            "# tls /etc/caddy/fullchain.pem /etc/caddy/privkey.pem": f"tls {certificate} {key}",
            "\nrelay.example.org {": f"\nhttps://localhost:{port} {{",
        },
        "traefik": {
            '":443"': f'":{port}"',
            "/etc/traefik/traefik-dynamic.yml": f"{folder}/traefik-dynamic.yml",
            f"{issued}/fullchain.pem": str(certificate),
            f"{issued}/privkey.pem": str(key),
        },
    }


def _arguments(kind: Kind, folder: Path) -> list[str]:
    file = str(folder / kind.files[0])
    return {
        "nginx": ["-e", "stderr", "-g", "daemon off;", "-c", file],
        "haproxy": ["-db", "-f", file],
        "caddy": ["run", "--adapter", "caddyfile", "--config", file],
        "traefik": [f"--configFile={file}"],
    }[kind.program]


@contextmanager
def running(kind: Kind, command: list[str], port: int, log: Path) -> Iterator[None]:
    """The proxy's process, from when it listens."""
    home = environment(HOME=str(log.parent), XDG_DATA_HOME=str(log.parent))
    with log.open("ab") as written:
        proxy = subprocess.Popen(command, stdout=written, stderr=written, env=home)
    try:
        for _ in range(_TRIES):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                try:
                    proxy.wait(_TRY_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
                pytest.fail(f"{kind.program} ended: {log.read_text()}")
            else:
                break
        else:
            pytest.fail(f"{kind.program} does not listen: {log.read_text()}")
        yield
    finally:
        proxy.terminate()
        proxy.wait(WAIT_SECONDS)
