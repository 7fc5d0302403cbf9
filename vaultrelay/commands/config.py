"""``vault-relay config``: checks the options of the relay, and prints documents about them."""

import json
import os
from argparse import Namespace

from vaultrelay.app.exit_status import USAGE_ERROR
from vaultrelay.app.open_files import fit_to_open_files
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.standard_streams import print_error, print_result
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.commands.relay_options import RELAY_OPTIONS, relay_flags
from vaultrelay.config.json_schema import schema
from vaultrelay.config.option import Option
from vaultrelay.config.option_sources import variable_hint
from vaultrelay.config.sample_file import sample
from vaultrelay.config.settings import OPTIONS
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.printable import printable
from vaultrelay.web.units import size

PARSER = command_parser(
    "config",
    "See vault-relay config SUBCOMMAND --help for the options of each.",
    notes="""
The exit status is 0, or 2 for invalid options of the relay or invalid arguments.

Examples:

  vault-relay config check --config /etc/vault-relay/relay.toml
  vault-relay config sample > relay.toml
""",
    subcommands={
        "check": {
            "help": "Check the options of the relay.",
            "details": """
Check the options of the relay.

Takes the options of the relay (see vault-relay --help). Reads flags, RELAY_* variables, the file of
--config, certificates and lists as the relay does when it starts, but opens no port. Each error is
one line on standard error. The exit status is 2 if there is an error and 0 if not, so that the
command can be ExecStartPre= of a systemd unit.
""",
            "arguments": (
                argument(
                    "--show", action="store_true", help="Print the effective value of each option."
                ),
                *RELAY_OPTIONS,
            ),
        },
        "sample": {
            "help": "Print a TOML file for --config.",
            "details": "Print a TOML file for --config, with every option commented out.",
        },
        "schema": {
            "help": "Print the JSON Schema of that file.",
            "details": "Print the JSON Schema of the file of --config, for editors.",
        },
    },
)


def main(arguments: list[str]) -> int:
    """Run the subcommand; return 0, or 2 for invalid options or arguments."""
    found = PARSER.read(arguments)
    if found.subcommand == "check":
        return _check(found)
    if found.subcommand == "sample":
        print_result(sample(OPTIONS), end="")
    else:
        print_result(json.dumps(schema(OPTIONS), indent=2))
    return 0


def _check(found: Namespace) -> int:
    reader = SettingsReader(relay_flags(found), os.environ, real_reactor())
    settings, errors = reader.read_all()
    for variable in settings.unknown_variables:
        hint = variable_hint(settings.options, variable)
        print_error(f"vault-relay: warning: {variable} is not an option of the relay{hint}")
    for error in errors:
        print_error(f"vault-relay: {error}")
    if errors:
        return USAGE_ERROR
    if found.show:
        settings = fit_to_open_files(settings)
        for option in settings.options:
            print_result(f"{option.name:<22}{_value(option, settings.shown(option))}")
    else:
        print_result("The options are valid.")
    return 0


def _value(option: Option, value: object) -> str:
    text = printable(str(value))
    if option.value == "BYTES" and isinstance(value, int):
        return f"{text} ({size(value)})"
    return text
