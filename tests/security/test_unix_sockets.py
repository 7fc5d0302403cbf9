"""Unix sockets of a running relay, dialled by another user of its machine.

With Twisted's mode of 666 the user nobody read the status page, and was taken for a trusted proxy.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.process.crowd import HEAD
from tests.process.processes import WAIT_SECONDS, running_relay

NOBODY = 65534
DIAL = """
import socket, sys
end = socket.socket(socket.AF_UNIX)
end.settimeout(20)
try:
    end.connect(sys.argv[1])
except PermissionError:
    print("no permission")
else:
    end.sendall(sys.argv[2].encode())
    print(end.recv(4096).decode("latin-1").partition("\\r\\n")[0])
"""
STATUS = "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
INVENTED = HEAD.decode().replace("\r\n\r\n", "\r\nX-Forwarded-For: 10.1.2.3\r\n\r\n")
PROXIED = f"PROXY TCP4 10.1.2.3 10.1.2.4 5 6\r\n{HEAD.decode()}"
REFUSED = "no permission"
ADMITTED = "HTTP/1.1 101 Switching Protocols"

pytestmark = [
    pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root, for setuid"),
    pytest.mark.xdist_group("unix-sockets"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="vault-relay-sockets-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def set_umask(umask: int) -> None:
    os.umask(umask)


def dial(path: Path, request: str, *, user: int = NOBODY) -> str:
    """The first line of the answer that a user gets at a socket."""
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin") or sys.executable
    ended = subprocess.run(
        [python, "-I", "-S", "-c", DIAL, path, request],
        user=user,
        group=user,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_another_user_reaches_neither_devices_nor_status_page(folder: Path, umask: int) -> None:
    plain, proxied, admin = folder / "plain", folder / "proxied", folder / "admin"
    with running_relay(
        *("--listen", f"unix:{plain}", "--listen", f"haproxy:unix:{proxied}"),
        *("--trusted-proxy", "unix", "--allow-from", "10.0.0.0/8", "--public-url", "ws://x"),
        *("--admin", f"unix:{admin}"),
        preexec_fn=partial(set_umask, umask),
    ) as relay:
        wait_for(admin)
        assert [path.stat().st_mode & 0o777 for path in (plain, proxied, admin)] == [0o660] * 3
        assert dial(plain, INVENTED) == REFUSED
        assert dial(proxied, PROXIED) == REFUSED
        assert dial(admin, STATUS) == REFUSED
        # Those that the relay is for are let in.
        assert dial(plain, INVENTED, user=0) == ADMITTED
        assert dial(proxied, PROXIED, user=0) == ADMITTED
        assert dial(admin, STATUS, user=0) == "HTTP/1.1 200 OK"
        _, log = relay.stop()
    assert "local user" not in log


@pytest.mark.parametrize("mode", ["666", "0777", "662"])
def test_a_mode_that_lets_everybody_in_is_kept_and_warned_of(folder: Path, mode: str) -> None:
    plain, admin = folder / "plain", folder / "admin"
    with running_relay(
        *("--listen", f"unix:{plain}:mode={mode}", "--admin", f"unix:{admin}:{mode}"),
    ) as relay:
        wait_for(admin)
        assert dial(plain, HEAD.decode()) == ADMITTED
        page = ask(admin, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _, log = relay.stop()
    for path in (plain, admin):
        said = f"can connect to the unix socket {path} (mode {int(mode, 8):03o})"
        assert said in page
        assert log.count(f" warn  Every local user with access to its folder {said}") == 1
    assert "Set mode=660 in its" in log or "Set mode=770 in its" in log


@pytest.mark.parametrize("mode", ["600", "660", "0640"])
def test_a_mode_that_is_narrow_is_kept(folder: Path, mode: str) -> None:
    plain = folder / "plain"
    with running_relay("--listen", f"unix:{plain}:mode={mode}") as relay:
        assert plain.stat().st_mode & 0o777 == int(mode, 8)
        assert dial(plain, HEAD.decode()) == REFUSED
        _, log = relay.stop()
    assert "local user" not in log


def wait_for(path: Path) -> None:
    """The relay listens on its admin socket a moment after the first line of its log."""
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as end:
                end.connect(str(path))
                return
        except OSError:
            continue


def ask(path: Path, request: str) -> str:
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(WAIT_SECONDS)
        end.connect(str(path))
        end.sendall(request.encode())
        return b"".join(iter(lambda: end.recv(65536), b"")).decode()
