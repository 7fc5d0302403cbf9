"""The command line of the check, and where its token comes from."""

from pathlib import Path

import pytest

from vaultrelay.commands.check_options import BadUsage, read_options

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
    assert (options.idle_seconds, options.url) == (seconds, URL)
    assert options.as_json is ("--json" in arguments)


@pytest.mark.parametrize("seconds", ["", "0", "540", "-1", "1.5", "x\x1b", "²"])
def test_other_silences_are_refused(seconds: str) -> None:
    with pytest.raises(BadUsage, match="--idle takes seconds from 1 to 539") as failed:
        read_options([URL, f"--idle={seconds}"])
    assert "\x1b" not in str(failed.value)


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
        (None, "No such file or directory"),
        (b"\nx", "first line is empty"),
        (b"\xff", "no token"),
        (b"TOKEN=s3cret", "first line is not a token alone"),
        (b"# Anna's", "first line has white space inside"),
        (b'"s3cret"', "first line has quotation marks"),
        (b"anna:" + 64 * b"0", "first line has a colon"),
    ],
    ids=["missing", "empty", "binary", "assignment", "comment", "quoted", "hashed"],
)
def test_a_file_without_a_token_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadUsage, match=said) as failed:
        read_options(["--token-file", str(file), URL])
    assert str(file) in str(failed.value)


def test_two_tokens_are_one_too_many() -> None:
    with pytest.raises(BadUsage, match="a token in the URL and one in --token-file"):
        read_options(["--token-file", "/nonexistent", WITH_TOKEN])


@pytest.mark.parametrize(
    "url", ["wss://any:s3/cret@a", "wss://any:s3?cret@a", "https://any:s3cret@a", "any:s3cret@a"]
)
def test_a_token_in_a_bad_url_is_not_repeated(url: str) -> None:
    with pytest.raises(BadUsage) as failed:
        read_options([url])
    assert "s3" not in str(failed.value)
