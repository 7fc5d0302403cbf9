"""The token command: what it prints, and where."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vaultrelay.app.standard_streams import GuardedStream, ResultLost
from vaultrelay.commands import token
from vaultrelay.commands.token_file import TokenFile, locked
from vaultrelay.policy.access_lists import read_tokens
from vaultrelay.policy.access_token import token_line

PLAIN = "a-token-of-the-operators"
LINE = token_line("anna", "another-token")


def as_written(file: Path) -> tuple[int, int, int, bytes]:
    """What shows that a file was written or replaced; reading it changes its access time."""
    found = file.stat()
    return found.st_ino, found.st_mode, found.st_mtime_ns, file.read_bytes()


@pytest.mark.parametrize("arguments", [["new", "--label", "alice"], ["--label=alice", "new"]])
def test_a_program_finds_the_token_and_its_line_alone(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert token.main(arguments) == 0
    said = capsys.readouterr()
    secret, line = said.out.splitlines()
    assert line == token_line("alice", secret)
    assert "not printed again" in said.err
    assert secret not in said.err


def test_people_read_all_of_it_in_one_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert token.main(["new"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert len(said.out.splitlines()) == 4


def test_without_a_label_it_has_the_date(capsys: pytest.CaptureFixture[str]) -> None:
    token.main(["new"])
    line = capsys.readouterr().out.splitlines()[1]
    assert re.fullmatch(r"token-\d{4}-\d\d-\d\d:[0-9a-f]{64}", line)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: SUBCOMMAND"),
        (["old"], "SUBCOMMAND: invalid choice: 'old' (choose from "),
        (["revoke"], "the following arguments are required: LABEL"),
        (["revoke", "a", "b"], "'b' is not an option"),
        (["list", "--label=a"], "option --label not recognized"),
        (
            ["list"],
            "no token file is given; set --file or RELAY_ACCESS_TOKEN_FILE",
        ),
        (["revoke", "a", "--file="], "no token file is given"),
        (["new", "--file="], "no token file is given"),
        (["new", "--lable=x"], "option --lable not recognized"),
        (["new", "--label=a\x1b"], "--label: 'a\\x1b': a label is 1 to 32 letters, "),
    ],
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        token.main(arguments)
    assert stopped.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"vault-relay: {said}")
    assert err.count("\n") == 1


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of tokens with comments, as an operator has it."""
    monkeypatch.delenv("RELAY_ACCESS_TOKEN_FILE", raising=False)
    path = tmp_path / "tokens"
    path.write_text(f"# Of the family\n{LINE}  # her phone\n\n{PLAIN}\n# the end")
    path.chmod(0o640)
    return path


def stopped(*arguments: str | Path) -> int | str | None:
    """The exit status of a command that stops."""
    with pytest.raises(SystemExit) as caught:
        token.main([str(argument) for argument in arguments])
    return caught.value.code


def test_a_token_is_appended_and_its_line_not_printed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_text()
    assert token.main(["new", "--label", "tom", "--file", str(file)]) == 0
    said = capsys.readouterr()
    secret = said.out.removesuffix("\n")
    assert file.read_text() == f"{before}\n{token_line('tom', secret)}\n"
    assert "under the label tom" in said.err
    assert "The file is new" not in said.err
    assert read_tokens(file.read_text()).find(secret.encode())
    assert token_line("tom", secret).partition(":")[2] not in said.out + said.err
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208


def test_owner_group_and_mode_stay(file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(file, 65534, 65533)
    for arguments in ["new", "--label=tom"], ["revoke", "anna"], ["revoke", "tom"]:
        before = file.stat()
        token.main([*arguments, "--file", str(file)])
        after = file.stat()
        assert after.st_ino != before.st_ino
        assert (after.st_uid, after.st_gid, after.st_mode) == before[4:6] + before[:1]


def test_a_new_file_is_its_owners_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tokens"
    umask = os.umask(0)
    try:
        token.main(["new", "--label=tom", "--file", str(path)])
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr()
    assert path.read_text() == f"{token_line('tom', said.out.strip())}\n"
    assert "The file is new, and only your user can read it" in said.err


def test_a_link_stays_one(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file.name)
    token.main(["new", "--label=tom", "--file", str(link)])
    assert link.is_symlink()
    assert "tom:" in file.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "{line}\n"),
        ("# x\r\n", "# x\r\n{line}\r\n"),
        ("# x\r\n\r\n# y", "# x\r\n\r\n# y\r\n{line}\r\n"),
        ("\ufeff# x\n", "\ufeff# x\n{line}\n"),
    ],
)
def test_what_stood_there_stays_as_it_was(
    tmp_path: Path, before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(before.encode())
    token.main(["new", "--label=tom", "--file", str(path)])
    line = token_line("tom", capsys.readouterr().out.strip())
    assert path.read_bytes().decode() == after.format(line=line)
    token.main(["revoke", "tom", "--file", str(path)])
    left = path.read_bytes().decode()
    assert left.rstrip("\r\n") == before.rstrip("\r\n")


def test_tokens_are_listed_without_their_hashes(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_ACCESS_TOKEN_FILE", str(file))
    assert token.main(["list"]) == 0
    said = capsys.readouterr()
    assert [line.split("  ")[0] for line in said.out.splitlines()] == ["anna", "(no label)"]
    assert [line.split()[-1] for line in said.out.splitlines()] == ["2", "4"]
    assert PLAIN not in said.out
    file.write_text("# none\n")
    assert token.main(["list"]) == 0
    assert capsys.readouterr() == ("", f"{file} has no token.\n")


def test_a_revoked_token_goes_with_its_line_alone(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f"# Of the family\n{LINE}  # her phone\n{LINE.upper()}\n{PLAIN}\n{LINE}")
    assert token.main(["revoke", "anna", "--file", str(file)]) == 0
    assert file.read_text() == f"# Of the family\n{LINE.upper()}\n{PLAIN}"
    assert "last token" not in capsys.readouterr().err
    file.write_text(f"# x\n{LINE}\n")
    token.main(["revoke", "anna", "--file", str(file)])
    assert "It was the last token: the relay admits no device now" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "--label=anna"], "{file} already has a token anna; choose another --label"),
        (["revoke", "ana"], "{file} has no token 'ana'; did you mean anna?"),
        (["revoke", "x\x1b"], "{file} has no token 'x\\x1b'; see vault-relay token list"),
        (["revoke", ""], "{file} has no token ''; see vault-relay token list"),
        (["revoke", PLAIN], "{file} has no token"),
    ],
)
def test_a_label_that_does_not_fit_changes_nothing(
    file: Path, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = as_written(file)
    assert stopped(*arguments, "--file", file) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("vault-relay: " + said.format(file=file))
    assert as_written(file) == before


@pytest.mark.parametrize("verb", [["new", "--label=tom"], ["list"], ["revoke", "anna"]])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{LINE}\nTOKEN={PLAIN}\n".encode(), ": line 2 contains more than a token"),
        (b"\xff", " is not UTF-8 text"),
        (None, " cannot be read: is a directory"),
    ],
    ids=["bad line", "binary", "folder"],
)
def test_a_file_that_the_relay_refuses_is_left_alone(
    tmp_path: Path,
    verb: list[str],
    content: bytes | None,
    said: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "tokens"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert stopped(*verb, "--file", path) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"vault-relay: {path}{said}")
    assert PLAIN not in err
    assert content is None or path.read_bytes() == content


@pytest.mark.parametrize("verb", [["list"], ["revoke", "anna"], ["new"]])
def test_a_file_in_a_missing_folder(
    tmp_path: Path, verb: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "tokens"
    assert stopped(*verb, "--file", path) == 2
    assert capfd.readouterr() == (
        "",
        f"vault-relay: {path} cannot be read: no such file or directory\n",
    )


def test_a_full_file_takes_no_more(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token, "MAX_TOKENS", 2)
    assert stopped("new", "--file", file) == 2
    assert capfd.readouterr().err.endswith("has 2 tokens, the maximum; revoke one\n")


def test_a_token_that_could_not_be_written_is_said_not_to_be_valid(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    before = file.read_bytes()
    monkeypatch.setattr(os, "fsync", fail)
    assert stopped("new", "--file", file) == 2
    assert "cannot be replaced: no space left on device. The token is not valid" in (
        capfd.readouterr().err
    )
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208


def test_of_two_commands_at_once_none_undoes_what_the_other_did(file: Path) -> None:
    """The second waits for the first, and reads what it wrote."""
    script = (
        f"from vaultrelay.commands.token import main; main(['new', '--label=tom', '--file={file}'])"
    )
    with locked(file):
        tokens = TokenFile(file)
        second = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(1)
        tokens.append(token_line("eve", "a-third-token"))
    second.communicate(timeout=20)
    assert second.returncode == 0
    assert TokenFile(file).labels == ["anna", "eve", "tom"]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_token_that_nobody_saw_is_not_put_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    file = tmp_path / "tokens"
    if not is_new:
        file.write_text(LINE + "\n")
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("sys.stdout", GuardedStream(full, "utf-8"))
        with pytest.raises(ResultLost, match="no space left on device"):
            token.main(["new", "--label", "bert", "--file", str(file)])
    assert (file.read_text() if file.exists() else "") == ("" if is_new else LINE + "\n")
