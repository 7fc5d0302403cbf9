"""The health check: where it asks, and what it makes of the answers."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from vaultrelay.commands import healthcheck
from vaultrelay.config.runtime_folder import socket_path
from vaultrelay.policy.limits import defaults

OK = {"status": "ok", "version": "1.0.0", "connections": 3, "uptime_seconds": 86400}

Serve = Callable[[int | None, bytes | None], int]


def page(number: int = 200, /, **fields: object) -> bytes:
    """A relay's answer."""
    return b"HTTP/1.1 %d So\r\nX: y\r\n\r\n" % number + json.dumps(fields).encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RELAY_PORT", "RELAY_RUNTIME_FOLDER", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    # No default relay of this machine is to answer.
    monkeypatch.setattr(defaults, "DEFAULT_PORT", closed_port())
    return tmp_path


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Answers with these bytes; with None, never. On TCP if no port names a socket."""
    with ExitStack() as stack:

        def start(port: int | None, answer: bytes | None) -> int:
            if port is None:
                listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            else:
                listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(socket_path(str(folder), [port] if port else []))
                listener.listen()

            def run() -> None:
                # Until the listener is shut down, and whoever only knocks leaves early.
                with suppress(OSError):
                    while True:
                        peer = listener.accept()[0]
                        with peer, suppress(BrokenPipeError, ConnectionResetError):
                            peer.recv(4096)
                            if answer is not None:
                                peer.sendall(answer)
                            else:
                                peer.recv(1)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            number: int = port if port is not None else listener.getsockname()[1]
            return number

        yield start


def left_over(folder: Path, port: int) -> None:
    """What a relay leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(socket_path(str(folder), [port]))


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = healthcheck.main(list(arguments))
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("\n") == 1
    return status, said.out


def test_the_one_relay_with_a_socket_is_asked(
    folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    left_over(folder, 8081)
    serve(8080, page(**OK))
    assert check(capsys) == (
        0,
        (
            "healthy: the relay on port 8080, version 1.0.0, has 3 connections and has "
            "been running for 86400 s\n"
        ),
    )


def test_a_relay_that_was_started_without_a_session_is_found_from_one(
    serve: Serve,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """By su, cron or twistd --uid. In the session's own folder a dead relay left a socket."""
    serve(8080, page(**OK))
    session = tmp_path_factory.mktemp("session")
    left_over(session, 8080)
    folders = [str(session), str(folder)]
    monkeypatch.setattr(healthcheck, "folders_to_search", lambda *given: folders)
    assert "on port 8080, " in check(capsys)[1]
    assert "on port 8080, " in check(capsys, "--port", "8080")[1]
    assert check(capsys, "--port", "8081")[1].startswith(
        f"unhealthy: the sockets in {session} are for other ports: 8080, and port 8081 "
    )
    folder.chmod(0o777)
    assert check(capsys)[1].startswith(f"unhealthy: {folder} is writable by other users")


def test_a_relay_without_a_port_is_named_by_its_path(
    folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(0, page(**OK))
    assert f"healthy: the relay on {folder}/process-" in check(capsys)[1]


def test_of_several_relays_one_must_be_named(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(8080, page(**OK))
    serve(8443, page(**OK))
    status, said = check(capsys)
    assert (status, said) == (
        1,
        "unhealthy: several relays run here, on ports 8080, 8443: choose one with --port\n",
    )
    monkeypatch.setenv("RELAY_PORT", "8443")
    assert "on port 8443, " in check(capsys, "--port", "8443")[1]


def test_the_port_of_the_variable_is_honoured(
    folder: Path,
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left_over(folder, 8081)
    monkeypatch.setenv("RELAY_PORT", str(serve(None, page(**OK))))
    status, said = check(capsys)
    assert (status, said.startswith("healthy: port ")) == (0, True)


def test_the_variable_of_a_service_in_kubernetes_names_no_port(
    folder: Path,
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(defaults, "DEFAULT_PORT", serve(None, page(**OK)))
    for value in ("tcp://10.96.12.7:8080", "tcp://[fd00::1]:8080", "udp://10.96.12.7:53"):
        monkeypatch.setenv("RELAY_PORT", value)
        assert check(capsys)[0] == 0


def test_without_a_socket_the_default_port_is_asked(
    folder: Path,
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RELAY_PORT", "0")
    monkeypatch.setattr(defaults, "DEFAULT_PORT", serve(None, page(**OK)))
    assert check(capsys)[0] == 0


def test_nobody_there_is_told_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = check(capsys)
    assert status == 1
    assert re.fullmatch(
        rf"unhealthy: no relay has a socket in {folder}, and port \d+ of 127\.0\.0\.1 does not "
        r"answer: connection refused\. Start the relay; if it is running, set its port with "
        r"--port, or its folder with --runtime-folder\n",
        said,
    )


def test_a_port_without_a_socket_is_told_which_ports_have_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left_over(folder, 8081)
    status, said = check(capsys, "--port", str(closed_port()))
    assert status == 1
    assert said.startswith(f"unhealthy: the sockets in {folder} are for other ports: 8081, and ")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"",
        page(200, status="fine"),
        page(500, **OK),
        page(200),
        b"HTTP/1.1 200 OK\r\n\r\n[1]",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 60_000,
    ],
    ids=["tls", "nothing", "other", "error", "empty", "list", "deep"],
)
def test_what_does_not_answer_as_a_relay_is_not_well(
    folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str], answer: bytes
) -> None:
    port = serve(None, answer)
    status, said = check(capsys, "--port", str(port))
    assert status == 1
    assert f"port {port} of 127.0.0.1 does not answer like a relay. " in said
    assert "--runtime-folder" in said


def test_what_an_answer_says_cannot_act_on_the_terminal(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(8080, page(**OK | {"version": "\x1b[2J\n", "connections": None}))
    status, said = check(capsys)
    assert (status, said.rstrip("\n").isprintable()) == (0, True)


def test_a_relay_that_stands_still_is_not_well(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthcheck, "ANSWER_SECONDS", 0.05)
    serve(8080, None)
    assert check(capsys) == (
        1,
        "unhealthy: the relay on port 8080 does not answer: nothing came within 0.05 s\n",
    )


def test_a_draining_relay_is_well_but_not_ready(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(8080, page(**OK | {"status": "draining"}))
    status, said = check(capsys)
    assert (status, said.endswith("; it is about to stop\n")) == (0, True)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (page(200, status="ok"), 0, "healthy: the relay on port 1 is ready\n"),
        (page(503, status="draining"), 1, "unhealthy: the relay on port 1 is about to stop\n"),
    ],
    ids=["ready", "draining"],
)
def test_readiness_can_be_asked_for(
    serve: Serve, capsys: pytest.CaptureFixture[str], answer: bytes, status: int, said: str
) -> None:
    serve(1, answer)
    assert check(capsys, "--ready") == (status, said)


def test_a_folder_that_others_may_write_is_not_believed_unless_it_is_named(
    folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(8080, page(**OK))
    folder.chmod(0o777)
    status, said = check(capsys)
    assert (status, f"unhealthy: {folder} is writable by other users; " in said) == (1, True)
    assert check(capsys, "--runtime-folder", str(folder))[0] == 0


def test_a_socket_that_cannot_be_asked_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(socket_path(str(folder), [8080]))
        status, said = check(capsys)
    assert (status, f"cannot connect to {folder}/8080.sock: " in said) == (1, True)


def test_a_socket_of_another_user_is_told_with_the_cure(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(socket.socket):
        def connect(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    (folder / "8080.sock").touch()
    monkeypatch.setattr(socket, "socket", Closed)
    status, said = check(capsys)
    cure = "8080.sock belongs to another user: run the command as that user, or as root"
    assert (status, cure in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "x\x1b"], "--port: 'x\\x1b' must be a whole number from 0 to 65535"),
        (["--port=65536"], "--port: '65536' must be a whole number from 0 to 65535"),
        (["--prto=1"], "option --prto not recognized; did you mean --port?"),
        (["--port=tcp://a:1"], "--port: 'tcp://a:1' must be a whole number from 0 to 65535"),
        (["now"], "'now' is not an option"),
    ],
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        healthcheck.main(arguments)
    assert stopped.value.code == 2
    link = " See" if said.endswith("?") else "; see"
    assert capsys.readouterr().err == f"vault-relay: {said}{link} vault-relay healthcheck --help\n"
