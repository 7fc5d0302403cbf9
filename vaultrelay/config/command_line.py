"""RelayOptions: parses the relay's command line, for Twisted's twistd and for our commands."""

from collections.abc import Mapping
from getopt import GetoptError, getopt
from types import MappingProxyType
from typing import Any, ClassVar

from twisted.python import usage

from vaultrelay.config.help_text import help_text
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.settings import OPTIONS, Settings
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.config.suggestions import did_you_mean


class RelayOptions(usage.Options):
    """The flags of the relay. After parsing, `flags` has their values by name, `settings` is the
    result of flags, variables and file, and `reader` reads them again."""

    # Used only by Twisted's completion of twistd for zsh.
    optParameters: ClassVar = [[each.name, None, None, each.help] for each in OPTIONS]
    commands: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The help of each command by its name, for the help text."""
    environment: Mapping[str, str] = MappingProxyType({})
    user: int | None = None
    """The user of the relay, if it is not the current one."""
    settings: Settings
    reader: SettingsReader

    def __init__(self) -> None:
        super().__init__()
        self.flags: dict[str, list[str]] = {}

    def reactor(self) -> Any:
        """Return the reactor on which endpoint strings would listen."""
        return None

    def parseOptions(self, options: list[str] | None = None) -> None:
        names = [*(each.name for each in OPTIONS), "help", "version"]
        forms = [each.name + ("" if each.is_switch else "=") for each in OPTIONS]
        try:
            flags, rest = getopt(options or [], "hV", forms + names[len(forms) :])
        except GetoptError as error:
            hint = did_you_mean(error.opt, names, "--{}") if "not recog" in error.msg else ""
            end = f"{hint} See" if hint else "; see"
            reason = error.msg.replace("requires argument", "requires a value")
            raise BadOption(f"{reason}{end} vault-relay --help") from None
        for flag, value in flags:
            if flag in ("-h", "--help"):
                self.opt_help()
            elif flag in ("-V", "--version"):
                self.opt_version()
            name = flag.removeprefix("--")
            self.flags.setdefault(name, []).append("yes" if name in forms else value)
        self.parseArgs(*rest)
        self.reader = SettingsReader(
            self.flags,
            self.environment,
            self.reactor(),
            self.user,
        )
        self.read_settings()

    def parseArgs(self, *args: str) -> None:
        if args:
            raise BadOption(f"unexpected argument '{args[0]}'; see vault-relay --help")

    def read_settings(self) -> None:
        """Read the settings. Raises BadOption for the first invalid option."""
        self.settings = self.reader.read()

    def __str__(self) -> str:
        command = "       vault-relay COMMAND [...]\n" if self.commands else ""
        text = help_text(OPTIONS, self.commands)
        return f"Usage: vault-relay [options]\n{command}\n{text}"
