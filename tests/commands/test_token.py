"""The token command: what it prints, and where."""

import re

import pytest

from vaultrelay.commands import token
from vaultrelay.policy.access_token import token_line


@pytest.mark.parametrize("arguments", [["new", "--label", "alice"], ["--label=alice", "new"]])
def test_a_program_finds_the_token_and_its_line_alone(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert token.main(arguments) == 0
    said = capsys.readouterr()
    secret, line = said.out.splitlines()
    assert line == token_line("alice", secret)
    assert "shown only now" in said.err
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
        ([], "token takes one word, which is new"),
        (["old"], "token takes one word, which is new"),
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
    assert err.endswith("; see vault-relay token --help\n")
