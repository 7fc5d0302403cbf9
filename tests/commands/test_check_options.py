"""The command line of the check, and where its token comes from."""

from pathlib import Path

import pytest

from vaultrelay.commands.check_options import read_options

URL = "wss://relay.example.org"
WITH_TOKEN = "wss://any:s3cret@relay.example.org"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELAY_TOKEN", raising=False)


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ([URL], 0),
        ([URL, "--idle"], 130),
        (["--idle", URL], 130),
        (["--idle=5", URL], 5),
        ([URL, "--idle=539", "--json"], 539),
    ],
)
def test_a_silence_may_be_asked_for_in_either_place(arguments: list[str], seconds: int) -> None:
    options = read_options(arguments)
    assert (options.idle, options.url) == (seconds, URL)
    assert options.json is ("--json" in arguments)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line that an invalid command line costs."""
    with pytest.raises(SystemExit) as stopped:
        read_options(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["", "0", "540", "9" * 5000, "-1", "1.5", "x\x1b", "²"])
def test_other_silences_are_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, URL, f"--idle={seconds}")
    assert line.startswith("vault-relay: --idle: '")
    assert "must be a number of seconds from 1 to 539" in line
    assert "\x1b" not in line


def test_the_token_comes_from_a_file_the_url_or_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\nanother line\n")
    assert read_options(["--token-file", str(file), URL]).url == WITH_TOKEN
    assert read_options([URL, "--token-file", str(file)]).url == WITH_TOKEN
    monkeypatch.setenv("RELAY_TOKEN", " s3cret\n")
    assert read_options([URL]).url == WITH_TOKEN
    assert read_options(["wss://any:own@relay.example.org"]).url.startswith("wss://any:own@")
    monkeypatch.setenv("RELAY_TOKEN", "other")
    options = read_options(["--token-file", str(file), URL])
    assert options.url == WITH_TOKEN
    assert "s3cret" not in repr(options)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: no such file or directory"),
        (b"\nx", "the first line of '{file}' is empty"),
        (b"\xff", "has a character that a token cannot have"),
        (b"TOKEN=s3cret", "the first line of '{file}' contains more than a token"),
        (b"# Anna's", "the first line of '{file}' has white space inside"),
        (b'"s3cret"', "the first line of '{file}' has quotation marks"),
        (b"anna:" + 64 * b"0", "the first line of '{file}' has a colon"),
    ],
    ids=["missing", "empty", "binary", "assignment", "comment", "quoted", "hashed"],
)
def test_a_file_without_a_token_is_told(
    tmp_path: Path, content: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    line = refusal(capsys, "--token-file", str(file), URL)
    assert line.startswith("vault-relay: --token-file: ")
    assert str(file) in line
    assert said.format(file=file) in line


def test_two_tokens_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, "--token-file", "/nonexistent", WITH_TOKEN)
    assert "a token in the URL and one in --token-file" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    "url", ["wss://any:s3/cret@a", "wss://any:s3?cret@a", "https://any:s3cret@a", "any:s3cret@a"]
)
def test_a_token_in_a_bad_url_is_not_repeated(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "s3" not in refusal(capsys, url)
    assert "s3" not in refusal(capsys, URL, url)
