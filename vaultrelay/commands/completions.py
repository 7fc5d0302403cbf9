"""``vault-relay completions``: the completion of bash, zsh and fish for the command line."""

from argparse import SUPPRESS
from importlib import import_module

from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands import COMMANDS
from vaultrelay.commands.completion_scripts import SCRIPTS, Command
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.config.settings import OPTIONS

PARSER = command_parser(
    "completions",
    "The script completes commands, options and their values.",
    notes="""
To load the script at each start of the shell:

  bash  source <(vault-relay completions bash)     in ~/.bashrc
  zsh   source <(vault-relay completions zsh)      in ~/.zshrc, after compinit
  fish  vault-relay completions fish | source      in ~/.config/fish/config.fish

The exit status is 0, or 2 for invalid arguments.
""",
    arguments=(
        argument("shell", metavar="SHELL", choices=SCRIPTS, help=f"One of {', '.join(SCRIPTS)}."),
    ),
)


def main(arguments: list[str]) -> int:
    """Print the completion; return 0, or 2 for invalid arguments."""
    shell = PARSER.read(arguments).shell
    print_result(SCRIPTS[shell](OPTIONS, [_command(name) for name in COMMANDS]), end="")
    return 0


def _command(name: str) -> Command:
    """Return the words and flags of a command, from its parser."""
    arguments = import_module(f"vaultrelay.commands.{name}").PARSER.all_arguments
    shown = [each for each in arguments if each.help != SUPPRESS]
    flags = [flag for each in shown for flag in each.option_strings]
    words = [word for each in shown for word in each.choices or ()]
    takes_options = {each.name for each in OPTIONS} <= {each.dest for each in arguments}
    return Command(
        name, COMMANDS[name], words, [*dict.fromkeys(flags), "--help", "--version"], takes_options
    )
