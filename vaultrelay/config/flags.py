"""RelayOptions: the flags of the relay, and the help text, for Twisted's twistd and for us."""

from collections.abc import Mapping
from getopt import GetoptError, getopt
from types import MappingProxyType
from typing import Any, ClassVar

from twisted.python import usage

from vaultrelay.config.given import BadOption
from vaultrelay.config.help import help_text
from vaultrelay.config.option import options_of
from vaultrelay.config.reader import SettingsReader
from vaultrelay.config.settings import Settings
from vaultrelay.config.slips import did_you_mean


class RelayOptions(usage.Options):
    """The flags of the relay. Once they are parsed, `settings` are those of flags, variables and
    file, and `reader` reads them again."""

    kind: ClassVar[type[Settings]] = Settings
    """The class of settings, which declares the options."""
    commands: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The help of each command by its name, for the help text."""
    switches: ClassVar[tuple[str, ...]] = ()
    """Flags without a value that are not options of the relay; those given are in `switched`."""
    settings: Settings
    reader: SettingsReader
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self.options = options_of(self.kind)
        self.flags: dict[str, list[str]] = {}
        self.switched: set[str] = set()

    def reactor(self) -> Any:
        """Return the reactor on which endpoint strings would listen."""
        return None

    def report(self, error: BadOption) -> None:
        """Take an error of an option: here the first one is raised."""
        raise error

    def user(self) -> int | None:
        """Return the user of the relay, if it is not the present one."""
        return None

    def parseOptions(self, options: list[str] | None = None) -> None:
        known = [each.name for each in self.options]
        plain = ["help", "version", *self.switches]
        try:
            given, rest = getopt(options or [], "hV", [*(f"{name}=" for name in known), *plain])
        except GetoptError as error:
            hint = did_you_mean(error.opt, [*known, *plain], "--{}")
            if not hint or "recognized" not in error.msg:
                raise BadOption(f"{error}; see vault-relay --help") from None
            raise BadOption(f"{error}{hint} See vault-relay --help") from None
        for flag, value in given:
            name = flag.lstrip("-")
            if flag in ("-h", "--help"):
                self.opt_help()
            elif flag in ("-V", "--version"):
                self.opt_version()
            elif name in self.switches:
                self.switched.add(name)
            else:
                self.flags.setdefault(name, []).append(value)
        self.parseArgs(*rest)
        self.postOptions()

    def parseArgs(self, *args: str) -> None:
        if args:
            raise BadOption(f"'{args[0]}' is not an option; see vault-relay --help")

    def postOptions(self) -> None:
        self.reader = SettingsReader(
            self.flags,
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
