"""``vault-relay config``: checks the options of the relay, and prints documents about them."""

import json
from typing import ClassVar, NoReturn

from vaultrelay.app.exit_status import USAGE_ERROR, stop_with
from vaultrelay.app.open_files import fit_to_open_files
from vaultrelay.app.process_options import ProcessOptions
from vaultrelay.app.standard_streams import print_error, print_result
from vaultrelay.config.json_schema import schema
from vaultrelay.config.option_sources import variable_hint
from vaultrelay.config.sample_file import sample
from vaultrelay.config.settings import OPTIONS
from vaultrelay.logs import printable

USAGE = """Usage: vault-relay config check [--show] [options of the relay]
       vault-relay config sample
       vault-relay config schema

Checks the options of the relay, or prints documents about them.

  check   Reads flags, RELAY_* variables, the file of --config, certificates
          and lists as the relay does at its start, and listens nowhere.
  sample  Prints a TOML file for --config, with every option commented out.
  schema  Prints the JSON Schema of that file, for editors.

A check prints each error as one line on standard error. The exit status is 2
if there is one and 0 if not, so that it can be ExecStartPre= of a unit.

  --show      Print the effective value of each option, too.
  -h, --help  Print this text.
"""


class CheckOptions(ProcessOptions):
    """The relay's options, with all of their errors."""

    switches: ClassVar = ("show",)

    errors: list[str]

    def read_settings(self) -> None:
        self.settings, self.errors = self.reader.read_all()

    def __str__(self) -> str:
        return USAGE


def main(arguments: list[str]) -> int:
    """Run the subcommand; return 0, or 2 for invalid options or a bad command line."""
    match arguments:
        case ["check", *rest]:
            return _check(rest)
        case ["sample"]:
            print_result(sample(OPTIONS), end="")
        case ["schema"]:
            print_result(json.dumps(schema(OPTIONS), indent=2))
        case _ if {"-h", "--help"}.intersection(arguments):
            print(USAGE, end="")
        case _:
            _refuse()
    return 0


def _check(arguments: list[str]) -> int:
    options = CheckOptions()
    options.parseOptions(arguments)
    settings = options.settings
    for variable in settings.unknown_variables:
        hint = variable_hint(settings.options, variable)
        print_error(printable(f"vault-relay: warning: {variable} is no option of the relay{hint}"))
    for error in options.errors:
        print_error(f"vault-relay: {error}")
    if options.errors:
        return USAGE_ERROR
    if "show" in options.flags:
        settings = fit_to_open_files(settings)
        for option in settings.options:
            print_result(f"{option.name:<20}{printable(str(settings.shown(option)))}")
    else:
        print_result("The options are valid.")
    return 0


def _refuse() -> NoReturn:
    stop_with("config takes check, sample or schema; see vault-relay config --help")
