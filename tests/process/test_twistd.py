"""The relay as a daemon of twistd: its start is reported, and it stays what it was told to be."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.process.processes import BIN, WAIT_SECONDS, environment, until

TOKEN, OTHER = "a-token-of-the-operators", "another-of-their-tokens"
USER = "nobody"
HEALTHCHECK = """
import os, pwd, sys
from vaultrelay.commands import healthcheck

# That user may not read the folder of this program.
os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid)
sys.exit(healthcheck.main(["--port", sys.argv[2]]))
"""


def twistd(
    folder: Path, *arguments: str | Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Started in a folder as its user would, from whom it must let go: the output is a pipe."""
    return subprocess.run(
        [BIN / "twistd", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=WAIT_SECONDS,
        check=False,
    )


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


LOOPBACK = ("vault-relay", "--bind", "127.0.0.1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (*LOOPBACK, "--port", "TAKEN"),
            "cannot listen on port TAKEN of 127.0.0.1 (--port, --bind): addr",
        ),
        (
            ("--pidfile", "other.pid", "vault-relay", "--listen", "unix:missing/relay.sock"),
            "cannot listen on unix:missing/relay.sock (--listen): no such file or directory; crea",
        ),
        (
            (*LOOPBACK, "--port", "0", "--admin", "tcp:TAKEN"),
            "cannot listen on tcp:TAKEN (--admin): address already in use",
        ),
        (("--pidfile", "missing/a.pid", "vault-relay"), "cannot start: FOLDER/missing/a.pid: no s"),
        (("--rundir", "missing", "vault-relay"), "cannot start: missing: no such file or directo"),
        (("--nodaemon", *LOOPBACK, "--port", "TAKEN"), "cannot listen on port TAKEN of 127.0.0.1"),
    ],
    ids=["port", "unix socket", "admin", "pid file", "rundir", "foreground"],
)
def test_a_start_that_fails_says_so_at_the_terminal_and_leaves_no_pid_file(
    tmp_path: Path, taken: int, arguments: Sequence[str], said: str
) -> None:
    ended = twistd(tmp_path, *(text.replace("TAKEN", str(taken)) for text in arguments))
    assert ended.returncode == 2
    said = said.replace("TAKEN", str(taken)).replace("FOLDER", str(tmp_path))
    assert ended.stderr.startswith(f"vault-relay: {said}")
    assert ended.stderr.count("\n") == 1
    assert not list(tmp_path.glob("**/*.pid"))


def test_a_daemon_goes_by_the_folder_of_its_start_and_its_user_finds_it(tmp_path: Path) -> None:
    """--rundir and --uid with relative names everywhere: all is found and renewed."""
    user = pwd.getpwnam(USER)
    if os.geteuid():
        pytest.skip("needs root, to become another user")
    # pytest's folder is root's alone.
    folder = Path("/tmp") / f"vault-relay-test-{os.getpid()}"  # noqa: S108
    own = Path("/tmp") / f"vault-relay-{user.pw_uid}"  # noqa: S108
    was_there = own.exists()
    try:
        for each in (folder, folder / "run", folder / "tls"):
            each.mkdir(mode=0o755)
        os.chown(folder / "run", user.pw_uid, user.pw_gid)
        for path in write_pair(folder / "tls", issue(["localhost"])):
            path.chmod(0o644)
        (folder / "tokens").write_text(TOKEN)
        (folder / "relay.toml").write_text('access-token-file = "tokens"\nsession-ttl = 77\n')
        _run_and_renew(folder)
    finally:
        shutil.rmtree(folder)
        if not was_there:
            shutil.rmtree(own, ignore_errors=True)


def _run_and_renew(folder: Path) -> None:
    options = ("--rundir", "run", "--uid", USER, "--logfile", folder / "log", "--pidfile", "pid")
    places = ("--listen", "tls:tls:0", "--listen", "unix:run/relay.sock", "--admin", "unix:run/adm")
    variables = {"RELAY_RUNTIME_FOLDER": "", "XDG_RUNTIME_DIR": "", "TMPDIR": "run"}
    started = twistd(
        folder, *options, "vault-relay", "--config", "relay.toml", *places, **variables
    )
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    number = int((folder / "pid").read_text())
    try:
        for name in ("relay.sock", "adm"):
            made = folder / "run" / name
            assert made.is_socket()
            assert (made.owner(), made.stat().st_gid) == (USER, pwd.getpwnam(USER).pw_gid)
        # As another login of that user would ask, who may run other relays.
        log = folder / "log"
        port = re.search(r"tls:tls:0 \(port (\d+) of ", log.read_text())
        assert port
        found = subprocess.run(
            [sys.executable, "-c", HEALTHCHECK, USER, port[1]],
            capture_output=True,
            text=True,
            env=environment(**(variables | {"TMPDIR": ""})),
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert found.stdout.startswith("healthy: the relay on port ")
        for path in write_pair(folder / "tls", issue(["localhost"])):
            path.chmod(0o644)
        until(lambda: "changed: certificate, now valid until" in log.read_text())
        (folder / "tokens").write_text(OTHER)
        until(lambda: "changed: 1 different tokens" in log.read_text())
        (folder / "relay.toml").write_text('access-token-file = "tokens"\nsession-ttl = 78\n')
        until(lambda: "changed: session-ttl=78" in log.read_text())
        said = log.read_text()
        assert "cannot be read" not in said
        assert "restart the relay" not in said
    finally:
        os.kill(number, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{number}").exists())
    assert "Traceback" not in (folder / "log").read_text()
    assert not list((folder / "run").iterdir())
