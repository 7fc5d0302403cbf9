"""The options of the relay as options of a command, which its help does not list."""

from argparse import SUPPRESS, Namespace

from vaultrelay.commands.parser import argument
from vaultrelay.config.settings import OPTIONS

RELAY_OPTIONS = tuple(
    argument(
        f"--{each.name}",
        dest=each.name,
        default=SUPPRESS,
        help=SUPPRESS,
        **({"action": "append_const", "const": "yes"} if each.is_switch else {"action": "append"}),
    )
    for each in OPTIONS
)


def relay_flags(found: Namespace) -> dict[str, list[str]]:
    """Return the values of the options of the relay that were given, by name."""
    names = {option.name for option in OPTIONS}
    return {name: values for name, values in vars(found).items() if name in names}
