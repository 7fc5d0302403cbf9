"""The check command: its command line."""

import pytest

from vaultrelay.commands import check


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "check takes one URL, such as wss://relay.example.org"),
        (["ws://a", "ws://b"], "check takes one URL, such as wss://relay.example.org"),
        (["https://a"], "check: 'https://a': a relay's URL looks like wss://relay.example.org"),
        (["--jso\x1bn"], "option --jso\\x1bn not recognized"),
    ],
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        check.main(arguments)
    assert stopped.value.code == 2
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"vault-relay: {said}; see vault-relay check --help\n")


def test_help_is_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        check.main(["--help"])
    assert stopped.value.code == 0
    out, _ = capfd.readouterr()
    assert out.startswith("Usage: vault-relay check URL [--json]\n")
    assert max(map(len, out.splitlines())) <= 80
