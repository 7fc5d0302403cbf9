"""The parser of the commands: messages for invalid arguments, and the help."""

import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module

import pytest

from vaultrelay.app.standard_streams import ResultLost
from vaultrelay.commands import COMMANDS
from vaultrelay.commands import parser as module
from vaultrelay.commands.parser import Argument, CommandParser, argument

LONG = "Send nothing for a time, to find a proxy that cuts idle connections. " * 3


def made(*more: Argument) -> CommandParser:
    return CommandParser(
        prog="vault-relay try",
        details=f"Try it.\n\n{LONG}",
        notes=f"Examples:\n\n  vault-relay try --strict   {'x' * 50}",
        arguments=(
            argument("--label", metavar="NAME", help=LONG),
            argument("--strict", action="store_true", help="Be strict."),
            argument("--string", action="store_true", help="Be a string."),
            *more,
        ),
    )


def refusal(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        made().read(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_options_stand_anywhere_and_may_be_shortened() -> None:
    found = made(argument("urls", metavar="URL", nargs="*", help="A URL.")).read(
        ["a", "--strict", "b", "--lab", "x", "--", "-c"]
    )
    assert (found.urls, found.strict, found.label) == (["a", "b", "-c"], True, "x")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--strcit"], "option --strcit not recognized; did you mean --strict? See"),
        (["--lbael=s3cret"], "option --lbael not recognized; did you mean --label? See"),
        (["-xs3cret"], "option -x not recognized; see"),
        (["--\x1b[2J\n"], "option --\\x1b[2J\\n not recognized; see"),
        (["--label"], "--label: expected one argument; see"),
        (["--strict=s3cret"], "--strict takes no value; see"),
        (["--str"], "ambiguous option: --str could match --strict, --string; see"),
    ],
)
def test_an_invalid_option_is_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, arguments) == f"vault-relay: {line} vault-relay try --help\n"


def test_an_unexpected_argument_may_be_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        CommandParser(prog="try", details="", unexpected="options only").read(["s3cret"])
    assert capsys.readouterr().err == "vault-relay: options only; see try --help\n"


@pytest.mark.parametrize("columns", [20, 60, 132])
def test_the_help_is_as_wide_as_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as stopped:
        made().read(["--help"])
    assert stopped.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    running = [line for line in out.splitlines() if "xxx" not in line]
    assert max(columns, 42) - 20 < max(map(len, running)) <= max(columns, 42) - 2
    assert f"\n\nExamples:\n\n  vault-relay try --strict   {'x' * 50}\n" in out


def test_a_version_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(text: str) -> None:
        raise ResultLost(text)

    monkeypatch.setattr(module, "print_result", lose)
    with pytest.raises(ResultLost, match="vault-relay 1"):
        made().read(["-V"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_of_a_command_has_a_help_that_is_a_sentence(name: str) -> None:
    parser: CommandParser = import_module(f"vaultrelay.commands.{name}").PARSER
    helps = [str(each.help) for each in parser.all_arguments if each.help and each.option_strings]
    assert all(text.endswith(".") or text == "==SUPPRESS==" for text in helps), helps


@pytest.mark.parametrize("name", COMMANDS)
def test_only_the_module_of_the_command_is_imported(name: str) -> None:
    code = (
        f"import sys; sys.argv = ['vault-relay', {name!r}, '--help']\n"
        "from vaultrelay.commands import COMMANDS, main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([each for each in COMMANDS if f'vaultrelay.commands.{each}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.splitlines()[-1] == f"[{name!r}]"
