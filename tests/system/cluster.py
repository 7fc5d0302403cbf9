"""Three relays behind HAProxy, by the very configuration that ``vault-relay haproxy`` prints."""

import grp
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authority import chain, write_pair
from tests.obstacles.device import Device
from tests.process.processes import WAIT_SECONDS, RunningRelay, run, running_relay
from tests.system.fronts import free_port
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of

RELAYS = 3
ON_A_PORT = ("--listen", "haproxy:tcp:0:interface=127.0.0.1")
_TRIES, _TRY_SECONDS = 400, 0.05


@dataclass(frozen=True)
class Cluster:
    """A HAProxy that listens, and the relays behind it."""

    folder: Path
    port: int
    certificate: Path
    relays: Sequence[RunningRelay]

    def tls(self) -> ssl.SSLContext:
        """What a device needs to trust it."""
        return ssl.create_default_context(cafile=self.certificate)

    def join(
        self, channel: int, tag: bytes, host: str = "127.0.0.1", browser: bool = False
    ) -> Device:
        """A device of the channel of a number, which it names as an app or a browser does."""
        name = name_of(channel)
        headers = (
            {"Sec-WebSocket-Protocol": f"vaultmesh.3, vaultmesh.channel.{name}"}
            if browser
            else {"X-VaultMesh-Channel": name}
        )
        return Device(self.port, tag, host, self.tls(), seed_of(channel), headers)

    def places(self) -> dict[str, str]:
        """On which relay HAProxy knows which channel."""
        return dict(re.findall(r"key=(\S+) .*server_key=(\S+)", self.say("show table relay")))

    def announced(self) -> dict[str, str]:
        """The relay of each channel that has devices, by its digest, as the relays announce it."""
        table = self.say("show table relays/held")
        return dict(re.findall(r"key=(\S+) .*server_key=(\S+)", table))

    def say(self, command: str) -> str:
        """A command to the runtime API, and its answer."""
        with socket.socket(socket.AF_UNIX) as api:
            api.connect(str(self.folder / "admin.sock"))
            api.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: api.recv(1 << 16), b"")).decode()

    @property
    def log(self) -> str:
        """What HAProxy has written."""
        return (self.folder / "haproxy.log").read_text()


def seed_of(channel: int) -> bytes:
    """The seed of the channel of a number."""
    return channel.to_bytes(32, "big")


def name_of(channel: int) -> str:
    """The channel of a number, as devices write it."""
    return base64url.encode(channel_of(seed_of(channel)))


def haproxy() -> str:
    """The program; without it the test is skipped."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        pytest.skip("needs haproxy, which tests/system/install.sh could not install")
    return program


def written(file: Path, *options: str) -> Path:
    """A configuration, for the user who runs the tests."""
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    printed = run("vault-relay", "haproxy", *options, "--user", user, "--group", group)
    assert (printed.returncode, printed.stderr) == (0, "")
    file.write_text(printed.stdout)
    return file


@contextmanager
def cluster(*options: str, shape: Sequence[str] = ()) -> Iterator[Cluster]:
    """HAProxy and its workers; the options are the relays', and `shape` is that of HAProxy."""
    with ExitStack() as stack:
        # The path of a unix socket is short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relays-")))
        relays = [
            stack.enter_context(_worker(folder / str(number), *options))
            for number in range(1, RELAYS + 1)
        ]
        places = ("--workers", str(RELAYS), "--sockets", str(folder), *shape)
        yield stack.enter_context(_in_front(folder, relays, *places))


@contextmanager
def two_haproxies(*options: str) -> Iterator[list[Cluster]]:
    """Both with the same nodes behind them; each is a cluster of its own to look at."""
    haproxy()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relays-")))
        relays = [stack.enter_context(running_relay(*ON_A_PORT)) for _ in range(RELAYS)]
        shape = [*options]
        shape += [f"--peer={name}=127.0.0.1:{free_port()}" for name in ("left", "right")]
        shape += [
            f"--node=node{number}=127.0.0.1:{relay.port}" for number, relay in enumerate(relays, 1)
        ]
        shape += ["--peer-certificate", str(folder / "peers.pem")]
        there = []
        for name in ("left", "right"):
            own = folder / name
            own.mkdir()
            there.append(stack.enter_context(_in_front(own, relays, *shape, "--local-peer", name)))
        yield there


@contextmanager
def _in_front(folder: Path, relays: Sequence[RunningRelay], *shape: str) -> Iterator[Cluster]:
    """HAProxy, from when it listens."""
    program, port = haproxy(), free_port()
    certificate, key = write_pair(folder, *chain(["localhost"]))
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    ours = ("--certificate", str(both), "--runtime-folder", str(folder), "--log", "stdout")
    file = written(folder / "haproxy.cfg", *shape, "--port", str(port), *ours)
    _make_peers_certificate(file)
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([program, "-db", "-f", file], stdout=log, stderr=log)
    there = Cluster(folder, port, certificate, relays)
    try:
        for _ in range(_TRIES):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert process.poll() is None, there.log
            time.sleep(_TRY_SECONDS)
        yield there
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def _make_peers_certificate(file: Path) -> None:
    """By the command that the configuration says, if it says one."""
    text = file.read_text().replace("\\\n#  ", "")
    for command in re.findall("^#   (openssl .*)$", text, re.MULTILINE):
        made = file.parents[1]
        if not (made / "peers.pem").exists():
            subprocess.run(["sh", "-c", command], check=True, cwd=made, capture_output=True)


@contextmanager
def _worker(folder: Path, *options: str) -> Iterator[RunningRelay]:
    folder.mkdir()
    with running_relay("--listen", f"haproxy:unix:{folder}/devices:mode=660", *options) as relay:
        yield relay
