"""The commands as their users type them: mistakes cost one line and exit status 2."""

import json
import re
import signal
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.process.processes import BIN, WAIT_SECONDS, environment, run, running_relay
from vaultrelay import __version__
from vaultrelay.config.settings import OPTIONS

CODE = r"\((native|mixed|pure)\)"


@pytest.mark.parametrize("flags", [["--version"], ["-V"], ["--port=81", "-V"], ["invite", "-V"]])
def test_version(flags: list[str]) -> None:
    told = run("vault-relay", *flags)
    assert (told.returncode, told.stderr) == (0, "")
    assert re.fullmatch(rf"vault-relay {re.escape(__version__)} {CODE}\n", told.stdout)


def test_short_help_is_the_help() -> None:
    told = run("vault-relay", "-h")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == run("vault-relay", "--help").stdout
    assert all(re.search(rf"\n  {option.flag}\s", told.stdout) for option in OPTIONS)


def test_a_check_of_options_is_the_exit_status_of_a_start(tmp_path: Path) -> None:
    good = run("vault-relay", "config", "check", RELAY_PORT="81")
    assert (good.returncode, good.stdout, good.stderr) == (0, "The options are valid.\n", "")
    bad = {"RELAY_PORT": "http", "RELAY_LOG_LEVEL": "loud"}
    told = run("vault-relay", "config", "check", "--session-ttl=0", **bad)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.splitlines() == [
        "vault-relay: RELAY_PORT: 'http' must be a whole number from 0 to 65535",
        "vault-relay: --session-ttl: '0' must be a whole number from 1 to 2592000",
        "vault-relay: RELAY_LOG_LEVEL: 'loud' must be one of error, warn, info, debug",
    ]
    started = run("vault-relay", "--session-ttl=0", **bad)
    assert (started.returncode, started.stderr) == (2, told.stderr.splitlines(True)[0])


def test_a_misspelled_flag_is_answered_with_the_right_one_under_twistd_too() -> None:
    for command in (["vault-relay"], ["twistd", "-n", "vault-relay"]):
        told = run(*command, "--max-conections=5")
        assert (told.returncode, told.stdout) == (2, "")
        assert told.stderr == (
            "vault-relay: option --max-conections not recognized; did you mean --max-connections? "
            "See vault-relay --help\n"
        )


def test_the_first_line_has_fields_in_json() -> None:
    with running_relay("--log-format=json", "--session-ttl=60", "--node-name=a") as running:
        _, log = running.stop()
    first = json.loads(log.splitlines()[0])
    assert first["message"].endswith("; session-ttl=60 node-name=a log-format=json")
    assert (first["version"], first["session-ttl"], first["node-name"]) == (__version__, 60, "a")
    assert first["where"] == f"port {running.port} of 127.0.0.1 without TLS"


def test_twistd_lists_the_relay_and_has_its_options() -> None:
    assert "    vault-relay  " in run("twistd", "--help").stdout
    told = run("twistd", "vault-relay", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert all(f"--{option.name} " in told.stdout for option in OPTIONS)


@pytest.mark.parametrize("command", [["vault-relay"], ["twistd", "-n", "vault-relay"]])
def test_a_mistake_is_one_line_and_exit_status_2(command: list[str]) -> None:
    told = run(*command, "--listen", "foo:1", RELAY_MAX_CONNECTIONS="10")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == (
        "vault-relay: --listen: 'foo:1' is not a server endpoint: Unknown endpoint type: 'foo'; "
        "write it like tcp:8080 or unix:/run/relay.sock\n"
    )


@pytest.mark.parametrize("command", ["vault-relay", "twistd"])
def test_a_taken_port_is_one_line_and_exit_status_2(command: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        log = str(tmp_path / "log")
        twistd = ["-n", "--pidfile", "", "--logfile", log, "vault-relay"]
        before = twistd if command == "twistd" else []
        told = run(command, *before, "--bind", "127.0.0.1", "--port", port)
    line = (
        f"vault-relay: cannot listen on port {port} of 127.0.0.1 (--port, --bind): address "
        "already in use; "
    )
    assert told.returncode == 2
    assert told.stderr.startswith(line)
    assert told.stderr.count("\n") == 1


def test_an_expired_certificate_starts_with_an_error_line(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=90)
    expired = issue(starts=long_ago, ends=long_ago + timedelta(days=30))
    certificate, key = write_pair(tmp_path, expired)
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        _, log = running.stop()
    assert " error DEVICES WILL REFUSE TO CONNECT: the certificate expired on" in log


def test_flag_variable_and_file_make_one_line_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('public-url = ["relay.example.org"]\nsession-ttl = 50\n')
    with running_relay("--config", str(file), RELAY_SESSION_TTL="60") as running:
        status, log = running.stop()
    first, last = log.splitlines()
    assert (status, last.endswith(" info  Stopped")) == (0, True)
    start = rf" VaultMesh relay {re.escape(__version__)} {CODE} listens on port {running.port} of "
    assert re.search(f"{start}127.0.0.1 ", first)
    assert "public-url=relay.example.org " in first
    assert "session-ttl=60" in first


def test_check_of_nobody_is_exit_status_1() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        told = run("vault-relay", "check", f"ws://any:s3cret@127.0.0.1:{silent.getsockname()[1]}")
    assert (told.returncode, told.stderr) == (1, "")
    assert "FAIL  tcp" in told.stdout
    assert "Connection refused" in told.stdout
    assert told.stdout.endswith("\nFailed.\n")
    assert "s3cret" not in told.stdout, "a token in the URL is not shown"


def test_a_check_that_is_interrupted_has_not_passed() -> None:
    with running_relay() as running:
        url = f"ws://127.0.0.1:{running.port}"
        checking = subprocess.Popen(
            [BIN / "vault-relay", "check", "--idle", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert checking.stderr is not None
        assert "sends nothing for 130 s" in checking.stderr.readline()
        checking.send_signal(signal.SIGINT)
        said, complained = checking.communicate(timeout=WAIT_SECONDS)
    assert (checking.returncode, complained) == (1, "")
    assert "FAIL  idle       interrupted. (" in said
    assert said.endswith("\nFailed.\n")


def test_check_of_a_good_relay_is_exit_status_0() -> None:
    with running_relay() as running:
        told = run("vault-relay", "check", f"ws://127.0.0.1:{running.port}", "--json")
    assert (told.returncode, told.stderr) == (0, "")
    summary = json.loads(told.stdout)
    assert summary["passed"]
    names = ["name", "tcp", "http", "address", "upgrade", "join", "echo", "largest", "throughput"]
    assert [step["step"] for step in summary["steps"]] == [*names, "mailbox"]
    assert summary["steps"][-1]["mailbox"] is None


@pytest.mark.parametrize("command", ["token new", "--help", "check --help"])
def test_who_reads_the_first_line_alone_is_no_trouble(command: str) -> None:
    done = subprocess.run(  # noqa: S602  as people type it
        f"{BIN}/vault-relay {command} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.count("\n") == 1
    assert "Error" not in done.stderr


def test_invite_prints_the_url_of_a_relay_that_runs_and_says_who_reaches_it() -> None:
    with running_relay() as running:
        told = run("vault-relay", "invite", "--public-url", f"ws://localhost:{running.port}")
    assert told.returncode == 1
    assert told.stdout.startswith(f"ws://localhost:{running.port}\n")
    assert "it answers, but localhost is an address of this machine" in told.stderr


def test_a_command_that_is_interrupted_just_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        process = subprocess.Popen(
            [BIN / "vault-relay", "healthcheck", "--port", port, "--runtime-folder", tmp_path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        peer, _ = silent.accept()
        with peer:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, said) == (130, (b"", b""))


@pytest.mark.parametrize(
    "command",
    [
        ("vault-relay",),
        ("vault-relay", "-V"),
        ("vault-relay", "check", "-V"),
        ("twistd", "vault-relay"),
    ],
    ids=" ".join,
)
def test_a_choice_of_twins_that_there_is_not_is_told_in_one_line(command: tuple[str, ...]) -> None:
    told = run(*command, RELAY_NATIVE="fast")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "vault-relay: RELAY_NATIVE is 'fast', and must be 0, 1 or unset\n"


def test_pure_twins_can_be_chosen() -> None:
    assert run("vault-relay", "--version", RELAY_NATIVE="0").stdout.endswith(" (pure)\n")
