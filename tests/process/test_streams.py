"""All commands with standard streams that are closed, full, gone, or lack a character."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.processes import BIN, WAIT_SECONDS, environment, running_relay

SENTENCE = "vault-relay: cannot write the result to standard output: "
REASONS = {
    "closed": "it is closed",
    "full": "no space left on device",
    "gone": "its reader has closed it",
}
STATES = [
    ("", ""),
    *((state, "") for state in REASONS),
    *(("", state) for state in REASONS),
    ("closed", "closed"),
]
RESULTS = {
    "--version": 0,
    "check --version": 0,
    "check --json LIVE": 0,
    "check --json DEAD": 1,
    "haproxy --workers 2": 0,
    "invite --no-qr --public-url LIVE": 1,
    "status --json ADMIN": 0,
    "status --json unix:/nonexistent/admin.sock": 1,
    "token new": 0,
    "token list --file TOKENS": 0,
}
"""Commands whose output is the result, and their exit statuses where it can be written."""
FINDINGS = {
    "--help": 0,
    "check LIVE": 0,
    "check DEAD": 1,
    "healthcheck": 0,
    "healthcheck --port 1": 1,
    "status ADMIN": 0,
    "--nonsense": 2,
    "--config /nonexistent/\u043a.toml": 2,
    "chek": 2,
    "haproxy": 2,
    "healthcheck --nonsense": 2,
    "invite \u043a": 2,
    "status \u043a": 2,
    "token old": 2,
    "token revoke nobody --file TOKENS": 2,
}
"""The others: their exit statuses say what was found."""
COMMANDS = RESULTS | FINDINGS
ENCODINGS = ("latin-1", "ascii")

Outcomes = dict[tuple[str, str, str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """What each command did with streams of each state, and in each encoding."""
    admin = tmp_path_factory.mktemp("admin") / "admin.sock"
    runtime = tmp_path_factory.mktemp("runtime")
    with (
        socket.socket() as dead,
        running_relay("--admin", f"unix:{admin}", "--runtime-folder", str(runtime)) as relay,
    ):
        dead.bind(("127.0.0.1", 0))
        tokens = runtime / "tokens"
        tokens.write_text(f"anna:{'0' * 64}\n")
        words = {
            "TOKENS": str(tokens),
            "LIVE": f"ws://127.0.0.1:{relay.port}",
            "DEAD": f"ws://127.0.0.1:{dead.getsockname()[1]}",
            "ADMIN": f"unix:{admin}",
        }
        keys = [(command, *state, "utf-8") for command in COMMANDS for state in STATES]
        keys += [
            (command, "", "", encoding)
            for command in COMMANDS
            if not command.isascii()
            for encoding in ENCODINGS
        ]
        cases = [
            {
                "arguments": [words.get(word, word) for word in command.split()],
                "out": out,
                "err": err,
                "encoding": encoding,
            }
            for command, out, err, encoding in keys
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.process.stream_matrix"],
            input=json.dumps(cases),
            capture_output=True,
            text=True,
            env=environment(RELAY_RUNTIME_FOLDER=str(runtime)),
            timeout=120,
            check=True,
        )
        yield dict(zip(keys, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_exit_status_says_what_was_found_and_whether_the_result_is_lost(
    outcomes: Outcomes, command: str
) -> None:
    for (each, out, err, _), outcome in outcomes.items():
        if each != command:
            continue
        is_lost = bool(out) and command in RESULTS
        assert outcome["status"] == (1 if is_lost else COMMANDS[command]), (out, err, outcome)
        for text in (outcome["out"], outcome["err"]):
            assert "Traceback" not in text, (out, err)
            assert "Error" not in text, (out, err)
        told = outcome["err"].splitlines()[-1:]
        assert (told == [SENTENCE + REASONS.get(out, "")]) is (is_lost and not err), (out, err)


def test_what_goes_to_a_broken_stream_does_not_go_to_the_other_one(outcomes: Outcomes) -> None:
    for command, status in COMMANDS.items():
        whole = outcomes[command, "", "", "utf-8"]
        for state in REASONS:
            without = outcomes[command, "", state, "utf-8"]
            assert without["err"] == ""
            assert without["out"].count("\n") == whole["out"].count("\n"), (command, state)
            if status == 2:
                assert outcomes[command, state, "", "utf-8"]["err"] == whole["err"]


def test_what_an_encoding_lacks_is_escaped(outcomes: Outcomes) -> None:
    for encoding in ENCODINGS:
        told = outcomes["--config /nonexistent/\u043a.toml", "", "", encoding]["err"]
        assert "/nonexistent/\\u043a.toml" in told


@pytest.mark.parametrize(
    ("command", "closed"),
    [
        (["vault-relay"], ">&-"),
        (["vault-relay"], "<&- >&- 2>&-"),
        (["vault-relay"], ">/dev/full 2>/dev/full"),
        (["twistd", "-n", "--pidfile=", "vault-relay"], ">&- 2>&-"),
    ],
    ids=["output", "all", "full", "twistd"],
)
def test_a_relay_runs_and_ends_without_streams(
    tmp_path: Path, command: list[str], closed: str
) -> None:
    path = tmp_path / "relay.sock"
    words = " ".join([str(BIN / command[0]), *command[1:], "--listen", f"unix:{path}"])
    process = subprocess.Popen(
        ["sh", "-c", f"exec {words} {closed}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        until = time.monotonic() + WAIT_SECONDS
        while not _answers(path) and time.monotonic() < until:
            time.sleep(0.05)
        streams = [str(Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in range(3)]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=WAIT_SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert not any(stream.startswith(("socket:", "anon_inode:")) for stream in streams), streams
    assert process.returncode == (-signal.SIGTERM if command[0] == "twistd" else 0)
    assert "Traceback" not in log


def _answers(path: Path) -> bool:
    """Whether the relay on this socket serves requests: then it has its signals, too."""
    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.connect(str(path))
            peer.sendall(b"GET /health HTTP/1.1\r\nHost: relay\r\n\r\n")
            return bool(peer.recv(1))
        except OSError:
            return False
