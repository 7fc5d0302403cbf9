"""The commands as their users type them: mistakes cost one line and exit status 2."""

import json
import socket
from pathlib import Path

import pytest

from tests.certificates import issue, write_pair
from tests.process.processes import run, running_relay
from vaultrelay import __version__
from vaultrelay.options import OPTIONS


def test_version_and_help() -> None:
    assert run("vault-relay", "--version").stdout == f"vault-relay {__version__}\n"
    told = run("vault-relay", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert all(f"--{option.name} " in told.stdout for option in OPTIONS)


@pytest.mark.parametrize("command", ["vault-relay", "twistd"])
@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (
            ["--port", "99999"],
            {},
            "--port: '99999' must be a whole number from 0 to 65535",
        ),
        (
            [],
            {"RELAY_MAX_CONNECTIONS": "many"},
            "RELAY_MAX_CONNECTIONS: 'many' must be a whole number from 1 to 1000000",
        ),
        (["--prot", "1"], {}, "option --prot not recognized"),
        (["--listen", "foo:1"], {}, "--listen: 'foo:1' is not a server endpoint: "),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(
    command: str, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    before = ["-n", "vault-relay"] if command == "twistd" else []
    told = run(command, *before, *arguments, **variables)
    assert told.returncode == 2
    assert told.stderr.startswith(f"vault-relay: {message}")
    assert told.stderr.count("\n") == 1
    assert told.stdout == ""


@pytest.mark.parametrize("command", ["vault-relay", "twistd"])
def test_a_taken_port_is_one_line_and_exit_status_2(command: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        before = (
            ["-n", "--pidfile", "", "--logfile", str(tmp_path / "log"), "vault-relay"]
            if command == "twistd"
            else []
        )
        told = run(command, *before, "--bind", "127.0.0.1", "--port", port)
    line = f"cannot listen on port {port} of 127.0.0.1: address already in use\n"
    assert told.returncode == 2
    assert told.stderr == f"vault-relay: {line}"


def test_an_expired_certificate_starts_with_an_error_line(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    long_ago = datetime.now(UTC) - timedelta(days=90)
    expired = issue(starts=long_ago, ends=long_ago + timedelta(days=30))
    certificate, key = write_pair(tmp_path, expired)
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        _, log = running.stop()
    assert " error DEVICES WILL REFUSE TO CONNECT: the certificate expired on" in log


def test_the_log_is_one_line_at_the_start_and_one_at_the_end() -> None:
    with running_relay("--public-url", "relay.example.org", RELAY_SESSION_TTL="60") as running:
        status, log = running.stop()
    first, last = log.splitlines()
    assert (status, last.endswith(" info  Stopped")) == (0, True)
    assert f"VaultMesh relay {__version__} listens on" in first
    assert "session-ttl=60" in first


def test_a_configuration_file_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('public-url = ["relay.example.org"]\nlog-level = "debug"\n')
    with running_relay("--config", str(file)) as running:
        _, log = running.stop()
    assert "public-url=relay.example.org" in log
    assert "log-level=debug" in log


def test_twistd_lists_and_runs_the_relay(tmp_path: Path) -> None:
    assert "vault-relay" in run("twistd", "--help").stdout
    told = run("twistd", "vault-relay", "--help")
    assert told.returncode == 0
    assert "--max-connections NUMBER" in told.stdout


class TestCheck:
    def test_a_good_relay_passes_every_step(self) -> None:
        with running_relay() as running:
            told = run("vault-relay", "check", f"ws://127.0.0.1:{running.port}")
        steps = [line.split()[:2] for line in told.stdout.splitlines() if line.startswith("  ")]
        names = ["name", "tcp", "upgrade", "join", "echo", "largest", "throughput"]
        assert steps == [["ok", name] for name in names]
        assert told.stdout.endswith("\nAll passed.\n")
        assert (told.returncode, told.stderr) == (0, "")

    def test_over_tls_it_verifies_the_certificate_and_tells_its_days(self, tmp_path: Path) -> None:
        certificate, key = write_pair(tmp_path, issue(["localhost"]))
        with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
            url = f"wss://localhost:{running.port}"
            good = run("vault-relay", "check", "--json", url, SSL_CERT_FILE=str(certificate))
            bad = run("vault-relay", "check", "--json", url)
        assert (good.returncode, bad.returncode) == (0, 1)
        tls = next(step for step in json.loads(good.stdout)["steps"] if step["step"] == "tls")
        assert (tls["version"], tls["days_left"]) == ("TLSv1.3", 29)
        *_, last = json.loads(bad.stdout)["steps"]
        assert (last["step"], last["passed"]) == ("tls", False)
        assert "certificate verify failed" in last["detail"]

    def test_a_relay_of_another_name_is_told_apart(self) -> None:
        with running_relay("--public-url", "relay.example.org") as running:
            told = run("vault-relay", "check", "--json", f"ws://127.0.0.1:{running.port}")
        *_, last = json.loads(told.stdout)["steps"]
        assert (told.returncode, last["step"], last["passed"]) == (1, "join", False)
        assert "4504 audience" in last["detail"]

    def test_nobody_there(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            told = run("vault-relay", "check", f"ws://127.0.0.1:{silent.getsockname()[1]}")
        assert told.returncode == 1
        assert "FAIL  tcp" in told.stdout
        assert "Connection refused" in told.stdout
        assert told.stdout.endswith("\nNot passed.\n")

    @pytest.mark.parametrize("arguments", [[], ["http://relay.example.org"], ["ws://a", "ws://b"]])
    def test_a_bad_command_line_is_exit_status_2(self, arguments: list[str]) -> None:
        told = run("vault-relay", "check", *arguments)
        assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)

    def test_a_token_in_the_url_is_not_shown(self) -> None:
        with running_relay() as running:
            told = run("vault-relay", "check", f"ws://any:s3cret@127.0.0.1:{running.port}")
        assert told.returncode == 0
        assert "s3cret" not in told.stdout + told.stderr
