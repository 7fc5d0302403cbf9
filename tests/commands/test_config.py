"""The command config: all errors of the options in one go, and the documents about them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from vaultrelay.commands import config


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


def checked(
    capfd: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int | str | None, str, list[str]]:
    """Exit status, output, and the lines on standard error."""
    try:
        status: int | str | None = config.main(["check", *arguments])
    except SystemExit as error:
        status = error.code
    said = capfd.readouterr()
    return status, said.out, said.err.splitlines()


def test_good_options_are_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert checked(capfd, "--port=81") == (0, "The options are valid.\n", [])


def test_every_error_is_a_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(
        "session-ttl = 0\nmessage-bytes = 1\nprot = 8\nlog-level = true\nmax-buffer = 2\n"
        "tls-cert = 'missing.pem'\ntls-key = 'missing.pem'\nbind = ''\n"
    )
    variables = {"RELAY_PORT": '"80"', "RELAY_DENY_FROM": "10.0.0.1/8", "RELAY_LOG_FORMAT": "xml"}
    monkeypatch.setattr("os.environ", variables)
    status, out, lines = checked(capfd, f"--config={file}", "--node-name=a b", "--admin-node=x")
    assert (status, out) == (2, "")
    assert all(line.startswith("vault-relay: ") for line in lines)
    starts = [line.removeprefix("vault-relay: ") for line in lines]
    expected = [
        "RELAY_PORT: the value has quotation marks",
        f"{file}: prot: unknown option; did you mean port?",
        f"{file}: log-level: 'true' must be a string",
        f"{file}: bind: the value is empty",
        "RELAY_DENY_FROM: '10.0.0.1/8' is an address and a network in one",
        f"{file}: message-bytes: '1' must be a whole number",
        f"{file}: max-buffer: '2' must be a whole number",
        f"{file}: session-ttl: '0' must be a whole number",
        "--admin-node: 'x' must be a URL",
        "--node-name: 'a b' must be at most",
        "RELAY_LOG_FORMAT: 'xml' must be one of",
        f"{file}: tls-cert: 'missing.pem' cannot be read",
    ]
    assert [start[: len(wanted)] for start, wanted in zip(starts, expected, strict=True)] == (
        expected
    )


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--config=missing.toml"], "--config: 'missing.toml' cannot be read: no such file"),
        (["--listen=tcp:1", "--port=2"], "--listen and --port cannot be combined"),
        (["--listen=tcp:x"], "--listen: 'tcp:x' needs a port from 0 to 65535"),
        (["--prot=1"], "option --prot not recognized; did you mean --port?"),
        (["more"], "'more' is not an option"),
        (["--tls-cert=a.pem"], "--tls-cert: 'a.pem' requires --tls-key"),
        (["--tls-cert=", "--tls-key=a.pem"], "--tls-cert: the value is empty"),
    ],
)
def test_an_error_is_told_once(
    capfd: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    status, out, (line,) = checked(capfd, *flags)
    assert (status, out) == (2, "")
    assert line.startswith(f"vault-relay: {said}")


def test_a_variable_that_is_no_option_is_a_warning(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"RELAY_PROT": "1", "RELAY_TOKEN": "a", "RELAY_SERVICE_HOST": "10.0.0.1"}
    monkeypatch.setattr("os.environ", variables)
    assert checked(capfd) == (
        0,
        "The options are valid.\n",
        [
            (
                "vault-relay: warning: RELAY_PROT is not an option of the relay; did you mean "
                "RELAY_PORT?"
            ),
            "vault-relay: warning: RELAY_TOKEN is not an option of the relay",
        ],
    )


def test_the_effective_values_are_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    certificate, key = write_pair(tmp_path, issue(["relay.example"]))
    (tmp_path / "tokens").write_text("a-token-of-the-operators\n")
    status, out, lines = checked(
        capfd,
        "--show",
        f"--tls-cert={certificate}",
        f"--tls-key={key}",
        f"--access-token-file={tmp_path / 'tokens'}",
        "--max-connections=400",
    )
    assert (status, lines) == (0, [])
    shown = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert shown["port"] == "8080"
    assert shown["tls-cert"] == str(certificate)
    assert shown["access-token-file"] == "(1 token)"
    assert shown["max-per-address"] == "100"
    assert re.fullmatch(r"\d{7,} \([\d.]+ [MG]B\)", shown["max-buffer"])
    assert shown["message-bytes"] == "1048576 (1.05 MB)"
    assert "a-token" not in out


def test_sample_and_schema_are_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert config.main(["sample"]) == 0
    sample = capfd.readouterr().out
    assert tomllib.loads(sample) == {}
    assert "\n#port = 8080\n" in sample
    assert config.main(["schema"]) == 0
    schema = json.loads(capfd.readouterr().out)
    assert schema["properties"]["port"]["maximum"] == 65535


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["check", "-h"], ["sample", "--help"]])
def test_help_is_printed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        config.main(arguments)
    assert stopped.value.code == 0
    name = " ".join(["config", *arguments[:-1]])
    assert capsys.readouterr().out.startswith(f"usage: vault-relay {name} [-h] [-V]")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: SUBCOMMAND"),
        (["chek"], "SUBCOMMAND: invalid choice: 'chek' (choose from "),
        (["sample", "more"], "'more' is not an option"),
        (["sample", "--show"], "option --show not recognized"),
    ],
)
def test_another_word_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        config.main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(f"vault-relay: {said}")
