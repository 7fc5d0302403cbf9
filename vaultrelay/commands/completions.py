"""``vault-relay completions``: the completion of bash, zsh and fish for the command line."""

import re
from contextlib import redirect_stdout, suppress
from importlib import import_module
from io import StringIO

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands import COMMANDS
from vaultrelay.commands.completion_scripts import SCRIPTS, Command
from vaultrelay.config.settings import OPTIONS

USAGE = """Usage: vault-relay completions bash|zsh|fish

Prints the completion of commands, options and their values for a shell:

  bash  source <(vault-relay completions bash)     in ~/.bashrc
  zsh   source <(vault-relay completions zsh)      in ~/.zshrc, after compinit
  fish  vault-relay completions fish | source      in ~/.config/fish/config.fish
"""
_FLAG = re.compile(r"^ +(?:-\w, )?(--[a-z][a-z-]+)", re.MULTILINE)
_SECOND_FLAG = re.compile(r", (--[a-z][a-z-]+)")
_WORD = re.compile(r"^(?:Usage:)? +vault-relay \w+ ([a-z]+)\b", re.MULTILINE)
_WITH_OPTIONS = "[options of the relay]"


def main(arguments: list[str]) -> int:
    """Print the completion; return 0, or 2 for a bad command line."""
    if {"-h", "--help"}.intersection(arguments):
        print(USAGE, end="")
        return 0
    if len(arguments) != 1 or arguments[0] not in SCRIPTS:
        stop_with(f"completions takes one of {', '.join(SCRIPTS)}; see vault-relay completions -h")
    commands = [_command(name, text) for name, text in COMMANDS.items()]
    print_result(SCRIPTS[arguments[0]](OPTIONS, commands), end="")
    return 0


def _command(name: str, help: str) -> Command:
    """Return the words and flags of a command, from its help."""
    if name == "completions":
        return Command(name, help, tuple(SCRIPTS), ("--help",), False)
    text = StringIO()
    with redirect_stdout(text), suppress(SystemExit):
        import_module(f"vaultrelay.commands.{name}").main(["--help"])
    usage = text.getvalue()
    flags = dict.fromkeys(_FLAG.findall(usage) + _SECOND_FLAG.findall(usage))
    words = tuple(dict.fromkeys(_WORD.findall(usage)))
    return Command(name, help, words, tuple(flags), _WITH_OPTIONS in usage)
