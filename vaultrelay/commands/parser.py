"""CommandParser: the arguments of a command, read by argparse, and its help.

The completions, the man page and the reference of commands are made from the same parsers. The
health check starts one every few seconds: modules that only the help needs are imported for it.
"""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from vaultrelay import __version__
from vaultrelay.app.stdio import print_error, print_result
from vaultrelay.commands import COMMANDS

_USAGE_ERROR = 2
_HELP_COLUMN = 28
_MARGIN = 2
_MIN_WIDTH = 40


class CommandParser(ArgumentParser):
    """The parser of a command, with its subcommands by name.

    `details` and `notes` are the paragraphs before and after the list of arguments; an indented
    paragraph keeps its lines. `unexpected` reports an argument that is no option: {} is its text.
    """

    def __init__(
        self,
        *,
        details: str,
        notes: str = "",
        unexpected: str = "'{}' is not an option",
        **more: Any,
    ) -> None:
        self.details = details
        self.notes = notes
        self.flags: list[str] = []
        self.arguments: list[Action] = []
        self.subcommands: dict[str, CommandParser] = {}
        self.takes_relay_options = False
        self.choice_of_subcommand: Any = None
        self.unexpected = unexpected
        self.width = 80 - _MARGIN
        super().__init__(formatter_class=self.formatter, **more)
        self.add_argument(
            "-V", "--version", action=_Version, nargs=0, default=SUPPRESS, help="Print the version."
        )

    def formatter(self, prog: str) -> RawDescriptionHelpFormatter:
        """Return the formatter of the help. Without a width it would import shutil at any use."""
        return RawDescriptionHelpFormatter(prog, max_help_position=_HELP_COLUMN, width=self.width)

    def add_argument(self, *names: Any, **more: Any) -> Action:
        """Add an argument, and keep it for the documents unless it is hidden."""
        argument = super().add_argument(*names, **more)
        self.flags += argument.option_strings
        if argument.help != SUPPRESS:
            self.arguments.append(argument)
        return argument

    def add_subcommand(self, name: str, summary: str, details: str = "") -> "CommandParser":
        """Add a subcommand, and return its parser."""
        if self.choice_of_subcommand is None:
            self.choice_of_subcommand = self.add_subparsers(
                title="subcommands", dest="subcommand", metavar="SUBCOMMAND", required=True
            )
        added: CommandParser = self.choice_of_subcommand.add_parser(
            name, help=summary, details=f"{summary}\n\n{details}"
        )
        self.subcommands[name] = added
        return added

    def family(self) -> Iterator["CommandParser"]:
        """Yield this parser and those of its subcommands."""
        yield self
        yield from self.subcommands.values()

    def read(self, arguments: Sequence[str]) -> Namespace:
        """Return the values of the arguments. Exits with a line and status 2 if one is invalid."""
        has_list = any(each.nargs == "*" for each in self.arguments)
        parse = self.parse_known_intermixed_args if has_list else self.parse_known_args
        found, rest = parse(arguments)
        if rest:
            self.error(self._unknown(rest[0]))
        return found

    def _unknown(self, text: str) -> str:
        if not text.startswith("-"):
            return self.unexpected.format(text)
        from vaultrelay.config.common_mistakes import did_you_mean

        # The rest may be a secret.
        name = text.partition("=")[0] if text.startswith("--") else text[:2]
        known = [flag for parser in self.family() for flag in parser.flags]
        return f"option {name} not recognized{did_you_mean(name, known)}"

    def error(self, message: str) -> NoReturn:
        """Print the message in one line, and exit with status 2."""
        option, ignored, _ = message.removeprefix("argument ").partition(": ignored explicit")
        message = f"{option} takes no value" if ignored else option
        link = " See" if message.endswith("?") else "; see"
        print_error(f"vault-relay: {message}{link} {self.prog} --help")
        self.exit(_USAGE_ERROR)

    def format_help(self) -> str:
        """Return the help, as wide as the terminal."""
        import shutil

        self.width = max(_MIN_WIDTH, shutil.get_terminal_size().columns - _MARGIN)
        self.description = filled(self.details, self.width)
        self.epilog = filled(self.notes, self.width)
        return super().format_help()


class _Version(Action):
    """Prints the version as a result: output that cannot be written is an error."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        print_result(f"vault-relay {__version__}")
        parser.exit()


def command_parser(name: str, details: str, **more: Any) -> CommandParser:
    """Return the parser of a command; its help begins with the summary of the command."""
    details = f"{COMMANDS[name]}\n\n{details}"
    return CommandParser(prog=f"vault-relay {name}", details=details, **more)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each in one line; an indented one keeps its lines."""
    blocks = text.strip("\n").split("\n\n")
    return [block if block.startswith(" ") else " ".join(block.split()) for block in blocks]


def filled(text: str, width: int) -> str:
    """Return a text with its paragraphs filled to a width."""
    from textwrap import fill

    return "\n\n".join(
        block if block.startswith(" ") else fill(block, width, break_on_hyphens=False)
        for block in paragraphs(text)
    )


def heading(argument: Action) -> str:
    """Return an argument as the help lists it, such as ``--port NUMBER``."""
    names = ", ".join(argument.option_strings)
    value = "" if argument.nargs == 0 else str(argument.metavar)
    return " ".join(filter(None, (names, f"[{value}]" if argument.nargs == "?" else value)))
