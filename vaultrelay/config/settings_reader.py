"""SettingsReader: reads the options of a relay into Settings, at the start and at each reload."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from vaultrelay.certificates.regular_file import start_folder
from vaultrelay.config.listener_certificates import read_pairs
from vaultrelay.config.memory_limit import memory_bytes
from vaultrelay.config.option import Option, options_of
from vaultrelay.config.option_kinds import Reading
from vaultrelay.config.option_sources import (
    Item,
    checked,
    from_file,
    from_flags,
    from_variables,
    unknown_variables,
)
from vaultrelay.config.raw_option import BadOption, Given
from vaultrelay.config.runtime_folder import runtime_folder
from vaultrelay.config.service_links import service_links
from vaultrelay.config.settings import Settings

Report: TypeAlias = Callable[[BadOption], None]
"""Takes each error; it may raise it."""


def stop_at_first(error: BadOption) -> None:
    """Report an error by raising it."""
    raise error


class SettingsReader:
    """Reads settings from flags (values by option name), variables, and the files they name.

    Endpoint strings are read for `reactor`, on which they would listen. Names are relative to the
    start folder, and the runtime folder is for `user`, by default the current one: twistd changes
    both. `report` takes each error of the start; by default the first is raised. `kind` is the
    class of settings, which declares the options.
    """

    def __init__(
        self,
        flags: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        reactor: Any = None,
        user: int | None = None,
        *,
        report: Report = stop_at_first,
        kind: type[Settings] = Settings,
    ) -> None:
        self._folder = start_folder()
        self._links = service_links(environment)
        self._environment = {
            name: value for name, value in environment.items() if name not in self._links
        }
        # From the start, too: later this process runs as that other user.
        self._runtime_folder = runtime_folder("", environment, self._folder, user)
        self._reactor = reactor
        self._report = report
        self._kind = kind
        self._options = {option.name: option for option in options_of(kind)}
        self._failed: set[str] = set()
        items = from_variables(self._options.values(), self._environment) + from_flags(flags)
        self._before = self._given = self._checked(items, self._options, report)

    def read(self) -> Settings:
        """Return the settings. Raises BadOption for the first invalid one, unless reported."""
        return self._settings(self._report)

    def read_again(self, kept: Settings) -> tuple[Settings, list[str]]:
        """Return the current settings, and a sentence for each invalid option.

        Only an invalid option keeps its value from `kept`.
        """
        errors: list[BadOption] = []
        settings = self._settings(errors.append, kept)
        return settings, list(dict.fromkeys(map(str, errors)))

    def files(self, settings: Settings) -> tuple[frozenset[Path], frozenset[Path]]:
        """Return the files that were or should be read, and those of them that may be folders."""
        named = {each.path for each in self._given.values() if each.kind == "FILE"}
        served = frozenset(path for pair in settings.certificates for path in pair.files)
        return served | named, served

    def _checked(
        self, items: Iterable[Item], known: Mapping[str, Option], report: Report
    ) -> dict[str, Given]:
        """Return the options by name; of repeated ones the last."""
        given = {}
        for item in items:
            try:
                given[item.name] = checked(item, known, self._folder)
            except BadOption as error:
                self._failed.add(item.name)
                report(error)
        return given

    def _settings(self, report: Report, kept: Settings | None = None) -> Settings:
        """Return the settings; an invalid option has its value in `kept`, or its default."""
        if config := self._before.get("config"):
            # A file names no other file.
            known = {name: option for name, option in self._options.items() if name != "config"}
            try:
                # One error is enough for a running relay: all that the file set still holds. The
                # files that it names may have changed.
                once = stop_at_first if kept else report
                self._given = self._checked(from_file(config), known, once) | self._before
            except BadOption as error:
                report(error)
        reading = Reading(self._given, self._reactor, kept)
        values, before = reading.values, kept or self._kind()
        # Of the start, for a check of all options: in a running relay nothing has failed.
        failed = set[str]() if kept else self._failed
        for option in self._options.values():
            given = self._given.get(option.name)
            values[option.field] = getattr(self._kind, option.field)
            try:
                if given is not None:
                    values[option.field] = option.kind.read(given, reading)
            except BadOption as error:
                report(error)
                failed.add(option.name)
                values[option.field] = getattr(before, option.field)
        values["pairs"] = before.pairs
        try:
            if failed.isdisjoint(("listen", "tls-cert", "tls-key")):
                values["pairs"] = read_pairs(reading)
        except BadOption as error:
            report(error)
        return self._kind(**{**values, **self._surroundings(values["runtime_folder"])})

    def _surroundings(self, folder: str) -> dict[str, Any]:
        """Return the fields that the machine and the environment set beside the options."""
        return {
            "runtime_folder": runtime_folder(folder, self._environment, self._folder)
            if folder
            else self._runtime_folder,
            "memory": memory_bytes(),
            "unknown_variables": unknown_variables(self._options.values(), self._environment),
            "service_links": self._links,
        }


def read_settings(
    flags: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    reactor: Any = None,
) -> Settings:
    """Return the settings of flags and variables. Raises BadOption if one is invalid."""
    return SettingsReader(flags, environment, reactor).read()
