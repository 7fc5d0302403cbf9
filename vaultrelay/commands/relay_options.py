"""The options of the relay as options of a command, which its help does not list."""

from argparse import SUPPRESS, Namespace

from vaultrelay.commands.parser import CommandParser
from vaultrelay.config.settings import OPTIONS


def add_relay_options(parser: CommandParser) -> None:
    """Let a command take the options of the relay."""
    parser.takes_relay_options = True
    for option in OPTIONS:
        parser.add_argument(
            f"--{option.name}", dest=option.name, action="append", default=SUPPRESS, help=SUPPRESS
        )


def relay_flags(found: Namespace) -> dict[str, list[str]]:
    """Return the values of the options of the relay that were given, by name."""
    names = {option.name for option in OPTIONS}
    return {name: values for name, values in vars(found).items() if name in names}
