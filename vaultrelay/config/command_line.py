"""RelayOptions: the flags of the relay, and the help text, for Twisted's twistd and for us."""

from collections.abc import Mapping
from getopt import GetoptError, getopt
from types import MappingProxyType
from typing import Any, ClassVar

from twisted.python import usage

from vaultrelay.config.help_text import help_text
from vaultrelay.config.option import options_of
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.settings import OPTIONS, Settings
from vaultrelay.config.settings_reader import Report, SettingsReader, stop_at_first
from vaultrelay.config.suggestions import did_you_mean


class RelayOptions(usage.Options):
    """The flags of the relay. After parsing, `flags` has their values by name, `settings` is the
    result of flags, variables and file, and `reader` reads them again."""

    # Used only by Twisted's completion of twistd for zsh.
    optParameters: ClassVar = [[each.name, None, None, each.help] for each in OPTIONS]
    kind: ClassVar[type[Settings]] = Settings
    """The class of settings, which declares the options."""
    commands: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The help of each command by its name, for the help text."""
    switches: ClassVar[tuple[str, ...]] = ()
    """Flags without a value that are not options of the relay."""
    settings: Settings
    reader: SettingsReader
    report: Report = staticmethod(stop_at_first)
    """Takes each error of the options."""
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self.options = options_of(self.kind)
        self.flags: dict[str, list[str]] = {}

    def reactor(self) -> Any:
        """Return the reactor on which endpoint strings would listen."""
        return None

    def user(self) -> int | None:
        """Return the user of the relay, if it is not the present one."""
        return None

    def parseOptions(self, options: list[str] | None = None) -> None:
        with_value = [f"{each.name}=" for each in self.options]
        known = [*with_value, "help", "version", *self.switches]
        try:
            given, rest = getopt(options or [], "hV", known)
        except GetoptError as error:
            is_unknown = "not recognized" in error.msg
            hint = is_unknown and did_you_mean(
                error.opt, (name.rstrip("=") for name in known), "--{}"
            )
            raise BadOption(
                f"{error}{f'{hint} See' if hint else '; see'} vault-relay --help"
            ) from None
        for flag, value in given:
            if flag in ("-h", "--help"):
                self.opt_help()
            elif flag in ("-V", "--version"):
                self.opt_version()
            self.flags.setdefault(flag.removeprefix("--"), []).append(value)
        self.parseArgs(*rest)
        self.postOptions()

    def parseArgs(self, *args: str) -> None:
        if args:
            raise BadOption(f"'{args[0]}' is not an option; see vault-relay --help")

    def postOptions(self) -> None:
        self.reader = SettingsReader(
            {name: values for name, values in self.flags.items() if name not in self.switches},
            self.environment,
            self.reactor(),
            self.user(),
            report=self.report,
            kind=self.kind,
        )
        self.settings = self.reader.read()

    def getSynopsis(self) -> str:
        other = "       vault-relay COMMAND [...]\n" if self.commands else ""
        return "Usage: vault-relay [options]\n" + other

    def getUsage(self, width: int | None = None) -> str:
        return help_text(self.options, self.commands)
