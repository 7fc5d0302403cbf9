"""CommandParser: the arguments of a command, read by argparse, and its help.

The completions, the man page and the reference of commands are made from the same parsers. The
health check starts one every few seconds: modules that only the help needs are imported for it.
"""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, TypeAlias

from vaultrelay.app.standard_streams import print_result
from vaultrelay.app.version import version_line
from vaultrelay.commands import COMMANDS

_MARGIN = 2
_MIN_WIDTH = 40
# Without a width it would import shutil for each argument.
_FORMATTER = partial(RawDescriptionHelpFormatter, max_help_position=28, width=80 - _MARGIN)

Argument: TypeAlias = tuple[tuple[str, ...], dict[str, Any]]
"""The names and settings of one argument, as add_argument() takes them."""


def argument(*names: str, **settings: Any) -> Argument:
    """Declare an argument of a command."""
    return names, settings


class _Version(Action):
    """Prints the version as a result: output that cannot be written is an error."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        print_result(version_line())
        parser.exit()


class CommandParser(ArgumentParser):
    """The parser of a command or subcommand.

    `details` and `notes` are the paragraphs of the help before and after the list of arguments; an
    indented one keeps its lines. `subcommands` are the settings of their parsers, by name.
    `unexpected` is the error for an argument that is not an option; {} is its text.
    """

    def __init__(
        self,
        *,
        details: str,
        notes: str = "",
        arguments: Sequence[Argument] = (),
        subcommands: Mapping[str, Mapping[str, Any]] | None = None,
        unexpected: str = "'{}' is not an option",
        **more: Any,
    ) -> None:
        super().__init__(formatter_class=_FORMATTER, add_help=False, **more)
        self.details, self.notes, self.unexpected = details, notes, unexpected
        self.add_argument("-h", "--help", action="help", help="Print this help.")
        self.add_argument(
            "-V", "--version", action=_Version, nargs=0, default=SUPPRESS, help="Print the version."
        )
        self.arguments = [self.add_argument(*names, **settings) for names, settings in arguments]
        self.subcommands: dict[str, CommandParser] = {}
        if subcommands:
            choice = self.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
            for name, settings in subcommands.items():
                self.subcommands[name] = choice.add_parser(name, **settings)
            self.arguments.append(choice)

    @property
    def synopsis(self) -> str:
        """The usage in one line."""
        return " ".join(self.format_usage().split()).removeprefix("usage: ")

    @property
    def all_arguments(self) -> list[Action]:
        """The arguments of the command and of its subcommands."""
        return [each for parser in (self, *self.subcommands.values()) for each in parser.arguments]

    def read(self, arguments: Sequence[str]) -> Namespace:
        """Return the values of the arguments. Exits with a line and status 2 if one is invalid."""
        has_list = any(each.nargs == "*" for each in self.arguments)
        parse = self.parse_known_intermixed_args if has_list else self.parse_known_args
        found, rest = parse(arguments)
        for text in rest:
            self._refuse(text)
        return found

    def _refuse(self, text: str) -> NoReturn:
        if not text.startswith("-"):
            self.error(self.unexpected.format(text))
        from vaultrelay.config.suggestions import did_you_mean

        # What follows the name may be a secret.
        name = text.partition("=")[0] if text.startswith("--") else text[:2]
        # A subcommand may have an option that another does not.
        known = {flag for each in self.all_arguments for flag in each.option_strings} - {name}
        self.error(f"option {name} not recognized{did_you_mean(name, known)}")

    def error(self, message: str) -> NoReturn:
        """Print the message as one line, and exit with status 2."""
        from vaultrelay.app.exit_status import stop_with

        text, ignored, _ = message.removeprefix("argument ").partition(": ignored explicit")
        message = f"{text} takes no value" if ignored else text
        link = " See" if message.endswith("?") else "; see"
        stop_with(f"{message}{link} {self.prog} --help")

    def format_help(self) -> str:
        """Return the help, as wide as the terminal."""
        from shutil import get_terminal_size
        from textwrap import fill

        width = max(_MIN_WIDTH, get_terminal_size().columns - _MARGIN)
        self.formatter_class = partial(_FORMATTER, width=width)
        self.description, self.epilog = (
            "\n\n".join(
                block if block.startswith(" ") else fill(block, width, break_on_hyphens=False)
                for block in paragraphs(text)
            )
            for text in (self.details, self.notes)
        )
        return super().format_help()


def command_parser(name: str, details: str, **settings: Any) -> CommandParser:
    """Return the parser of a command; its help begins with the summary of the command."""
    details = f"{COMMANDS[name]}\n\n{details}"
    return CommandParser(prog=f"vault-relay {name}", details=details, **settings)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each in one line; an indented one keeps its lines."""
    blocks = text.strip("\n").split("\n\n")
    return [block if block.startswith(" ") else " ".join(block.split()) for block in blocks]


def heading(argument: Action) -> str:
    """Return an argument as the help lists it, such as ``--port NUMBER``."""
    value = f"[{argument.metavar}]" if argument.nargs == "?" else argument.metavar or ""
    return f"{', '.join(argument.option_strings)} {value}".strip()
