"""``vault-relay completions``: the completion of bash, zsh and fish for the command line."""

from importlib import import_module

from vaultrelay.app.stdio import print_result
from vaultrelay.commands import COMMANDS
from vaultrelay.commands.completion_scripts import SCRIPTS, Command
from vaultrelay.commands.parser import CommandParser, command_parser
from vaultrelay.config.settings import OPTIONS

_DETAILS = "The script completes commands, options and their values. To load it at each start:"
_NOTES = """
  bash  source <(vault-relay completions bash)     in ~/.bashrc
  zsh   source <(vault-relay completions zsh)      in ~/.zshrc, after compinit
  fish  vault-relay completions fish | source      in ~/.config/fish/config.fish

The exit status is 0, or 2 for invalid arguments.
"""


def parser() -> CommandParser:
    """Return the parser of the command."""
    made = command_parser("completions", _DETAILS, notes=_NOTES)
    made.add_argument(
        "shell", metavar="SHELL", choices=SCRIPTS, help=f"One of {', '.join(SCRIPTS)}."
    )
    return made


def main(arguments: list[str]) -> int:
    """Print the completion; return 0, or 2 for invalid arguments."""
    shell = parser().read(arguments).shell
    print_result(SCRIPTS[shell](OPTIONS, [_command(name) for name in COMMANDS]), end="")
    return 0


def _command(name: str) -> Command:
    """Return the words and flags of a command, from its parsers."""
    made: CommandParser = import_module(f"vaultrelay.commands.{name}").parser()
    family = list(made.family())
    arguments = [argument for parser in family for argument in parser.arguments]
    words = [*made.subcommands, *(word for each in arguments for word in each.choices or ())]
    flags = [flag for each in arguments for flag in each.option_strings if flag.startswith("--")]
    takes_options = any(parser.takes_relay_options for parser in family)
    return Command(name, COMMANDS[name], words, list(dict.fromkeys(flags)), takes_options)
