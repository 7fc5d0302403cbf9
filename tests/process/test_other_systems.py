"""The relay where Linux is not: what other systems lack is taken away, and nothing misses it."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.authority import issue, write_pair
from tests.process.devices import joined
from tests.process.processes import WAIT_SECONDS, environment
from tests.transport.tls_client import lenient_context

NO_EPOLL = """
import select
for name in [name for name in dir(select) if name.lower().startswith("epoll")]:
    delattr(select, name)
"""
MACOS = (
    NO_EPOLL
    + """
import os, resource, socket
del socket.TCP_NOTSENT_LOWAT
def setrlimit(which, limits):
    if limits[0] == resource.RLIM_INFINITY:
        raise ValueError("current limit exceeds maximum limit")
resource.setrlimit = setrlimit
resource.getrlimit = lambda which: (256, resource.RLIM_INFINITY)
"""
)
# What Twisted itself needs of a POSIX system is put back into its own modules.
WINDOWS = (
    NO_EPOLL
    + """
import sys
class Missing:
    def __get__(self, owner, kind):
        raise AttributeError("sendmsg")
import twisted.internet.selectreactor
for name in ("resource", "fcntl", "termios", "pwd", "grp", "syslog"):
    sys.modules[name] = None
import os, signal, socket
for owner, names in (
    (os, "getuid geteuid getgid getegid sysconf fork O_CLOEXEC uname getpriority".split()),
    (signal, "SIGHUP SIGKILL SIGUSR1 SIGPIPE SIGALRM".split()),
    (socket, "AF_UNIX TCP_NOTSENT_LOWAT SCM_RIGHTS CMSG_LEN".split()),
    (select, "poll".split()),
):
    for name in names:
        delattr(owner, name)
socket.socket.sendmsg = socket.socket.recvmsg = Missing()
for name in [name for name in sys.modules if name == "twisted.internet.unix"]:
    del sys.modules[name]
twisted.internet.selectreactor.install()
"""
)
START = """
import sys
from vaultrelay.commands import main
sys.argv = ["vault-relay", *sys.argv[1:]]
main()
"""
REACTOR = """
from vaultrelay.app.reactor import real_reactor
print(type(real_reactor()).__name__)
"""


def python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("system", [MACOS, WINDOWS], ids=["macos", "windows"])
def test_devices_meet_on_a_relay_without_what_linux_has(
    system: str, tls: bool, tmp_path: Path
) -> None:
    options = ["--port", "0", "--bind", "127.0.0.1", "--drain-seconds", "1"]
    if tls:
        certificate, key = write_pair(tmp_path, issue(["localhost"]))
        options += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    relay = python(system + START, *options)
    try:
        assert relay.stdout is not None
        said = relay.stdout.readline()
        assert said.startswith("listening on port "), relay.communicate(timeout=WAIT_SECONDS)
        place = f"localhost:{said.split()[-1]}"
        url, context = (f"wss://{place}", lenient_context()) if tls else (f"ws://{place}", None)
        with (
            joined(url, context) as (first, welcome),
            joined(url, context, device=b"device-b") as (second, _),
        ):
            told = json.loads(first.recv())
            head = b"\x10\0\0\0" + told["session"].to_bytes(4, "big")
            # Large enough for the kernel to take it in pieces.
            message = head + welcome["session"].to_bytes(4, "big") + bytes(900_000)
            first.send(message)
            assert second.recv(WAIT_SECONDS)[-900_000:] == bytes(900_000)
        if not tls:
            page = f"http://{place}/health"
            with urlopen(page, timeout=WAIT_SECONDS) as answer:
                assert answer.status == 200
        relay.terminate()
        _, log = relay.communicate(timeout=WAIT_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            relay.kill()
        relay.communicate()
    assert relay.returncode == 0, log
    assert "Traceback" not in log
    if system is WINDOWS:
        assert "the relay admits 322 devices" in log


def test_a_health_check_without_unix_sockets_asks_the_port() -> None:
    said, _ = python(WINDOWS + START, "healthcheck", "--port", "1").communicate()
    assert said.startswith(
        "unhealthy: this system has no unix sockets, and port 1 of 127.0.0.1 does not answer"
    )


@pytest.mark.parametrize(
    "command", ["healthcheck", "invite --help", "check --help", "token new", "--help"]
)
def test_the_other_commands_work_there_too(command: str) -> None:
    done = python(WINDOWS + START, *command.split())
    said, error = done.communicate(timeout=WAIT_SECONDS)
    assert "Traceback" not in error
    assert said
    assert done.returncode == (1 if command == "healthcheck" else 0)


def test_the_reactor_is_the_best_that_there_is() -> None:
    kqueue = """
import sys, types
from twisted.internet.selectreactor import SelectReactor
class KQueueReactor(SelectReactor):
    pass
def install():
    from twisted.internet.main import installReactor
    installReactor(KQueueReactor())
sys.modules["twisted.internet.kqreactor"] = made = types.ModuleType("kqreactor")
made.install = install
"""
    for code, reactor in (
        ("", "EPollReactor"),
        (NO_EPOLL + kqueue, "KQueueReactor"),
    ):
        said, error = python(code + REACTOR).communicate(timeout=WAIT_SECONDS)
        assert (said.strip(), error) == (reactor, "")
