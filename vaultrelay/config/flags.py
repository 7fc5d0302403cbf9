"""RelayOptions: the flags as Twisted parses them, and the help text."""

import textwrap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from twisted.python import usage

from vaultrelay.config.reader import SettingsReader
from vaultrelay.config.settings import Settings
from vaultrelay.config.sources import BadOption
from vaultrelay.config.table import OPTIONS, Option

_HELP_COLUMN = 28
_HELP_WIDTH = 80


class RelayOptions(usage.Options):
    """The flags of the relay; `settings` holds the outcome once they are parsed.

    `reader` reads it again.
    """

    optParameters: ClassVar = [
        [option.name, None, None, option.help] for option in OPTIONS if not option.repeatable
    ]
    commands: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What else the program can do: the help of each by its name."""
    settings: Settings
    reader: SettingsReader
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self._repeated: dict[str, list[str]] = {}

    def reactor(self) -> Any:
        """The reactor on which endpoint strings would listen."""
        return None

    def user(self) -> int | None:
        """The user as which the relay will run, if that is another one than now."""
        return None

    def opt_listen(self, value: str) -> None:
        self._repeated.setdefault("listen", []).append(value)

    def opt_public_url(self, value: str) -> None:
        self._repeated.setdefault("public-url", []).append(value)

    def opt_trusted_proxy(self, value: str) -> None:
        self._repeated.setdefault("trusted-proxy", []).append(value)

    def opt_allow_from(self, value: str) -> None:
        self._repeated.setdefault("allow-from", []).append(value)

    def opt_deny_from(self, value: str) -> None:
        self._repeated.setdefault("deny-from", []).append(value)

    def opt_allow_origin(self, value: str) -> None:
        self._repeated.setdefault("allow-origin", []).append(value)

    def opt_admin_host(self, value: str) -> None:
        self._repeated.setdefault("admin-host", []).append(value)

    def opt_admin_node(self, value: str) -> None:
        self._repeated.setdefault("admin-node", []).append(value)

    def parseOptions(self, options: list[str] | None = None) -> None:
        try:
            super().parseOptions(options)
        except BadOption:
            raise
        except usage.UsageError as error:
            raise BadOption(f"{error}; see vault-relay --help") from None

    def parseArgs(self, *args: str) -> None:
        if args:
            raise BadOption(f"'{args[0]}' is not an option; see vault-relay --help")

    def postOptions(self) -> None:
        flags = {name: [value] for name, value in self.items() if value is not None}
        self.reader = SettingsReader(
            {**flags, **self._repeated}, self.environment, self.reactor(), self.user()
        )
        self.settings = self.reader.read()

    def getSynopsis(self) -> str:
        other = "       vault-relay COMMAND [...]\n" if self.commands else ""
        return "Usage: vault-relay [options]\n" + other

    def getUsage(self, width: int | None = None) -> str:
        lines = [
            *textwrap.wrap(
                "A relay on which the devices of a VaultMesh vault meet and pass each other "
                "ciphertext. It runs in the foreground and logs to standard error.",
                _HELP_WIDTH,
                break_on_hyphens=False,
            ),
            "",
        ]
        if self.commands:
            lines.append("Commands; each has --help:")
            for name, text in self.commands.items():
                lines += _help_lines(name, text)
            lines.append("")
        lines.append("Options:")
        for option in OPTIONS:
            lines += _help_lines(f"--{option.name} {option.value}", help_text(option))
        lines += _help_lines("--version", "Print the version.")
        lines += _help_lines("--help", "Print this text.")
        lines += [
            "",
            *textwrap.wrap(
                "Each option is also a variable, RELAY_PORT for --port, and a name in the TOML "
                "file. A flag beats a variable, a variable beats the file. "
                f"{_repeatable()} may be repeated; their variables split on white space, and in "
                'the file they are lists, such as allow-from = ["10.0.0.0/8", "192.0.2.1"].',
                _HELP_WIDTH,
                break_on_hyphens=False,
            ),
        ]
        return "\n".join(lines)


def _repeatable() -> str:
    *names, last = (f"--{option.name}" for option in OPTIONS if option.repeatable)
    return f"{', '.join(names)} and {last}"


def help_text(option: Option) -> str:
    """The help of an option, and its default."""
    return option.help + (f" Default {option.default}." if option.default else "")


def _help_lines(head: str, text: str) -> list[str]:
    indent = " " * _HELP_COLUMN
    wrapped = textwrap.wrap(text, _HELP_WIDTH - _HELP_COLUMN, break_on_hyphens=False)
    first = f"  {head}".ljust(_HELP_COLUMN)
    return [first + wrapped[0], *(indent + line for line in wrapped[1:])]
