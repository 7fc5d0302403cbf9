"""SettingsReader: reads the options of a relay into Settings, at the start and at each reload."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaultrelay.certificates.regular_file import start_folder
from vaultrelay.config.listener_certificates import read_pairs
from vaultrelay.config.memory_limit import memory_bytes
from vaultrelay.config.option import Option
from vaultrelay.config.option_kinds import ParseContext
from vaultrelay.config.option_sources import (
    Assignment,
    from_file,
    from_flags,
    from_variables,
    parse,
    unknown_variables,
)
from vaultrelay.config.raw_option import BadOption, RawOption
from vaultrelay.config.runtime_folder import runtime_folder
from vaultrelay.config.service_links import service_links
from vaultrelay.config.settings import OPTIONS, Settings

_LISTENER_OPTIONS = ("listen", "tls-cert", "tls-key")


class SettingsReader:
    """Reads settings from flags (values by option name), variables, and the files they name.

    Endpoint strings are read for `reactor`, on which they would listen. Names are relative to the
    start folder, and the runtime folder is for `user`, by default the current one: twistd changes
    both.
    """

    def __init__(
        self,
        flags: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        reactor: Any = None,
        user: int | None = None,
    ) -> None:
        self._folder = start_folder()
        self._links = service_links(environment)
        self._environment = {
            name: value for name, value in environment.items() if name not in self._links
        }
        # From the start, too: later this process runs as that other user.
        self._runtime_folder = runtime_folder("", environment, self._folder, user)
        self._reactor = reactor
        self._options = {option.name: option for option in OPTIONS}
        assigned = from_variables(self._options.values(), self._environment) + from_flags(flags)
        self._raw, self._start_errors = self._parsed(assigned, self._options)
        self._outside_file = self._raw

    def read(self) -> Settings:
        """Return the settings. Raises BadOption for the first invalid option."""
        settings, errors = self.read_all()
        if errors:
            raise BadOption(errors[0])
        return settings

    def read_all(self, running: Settings | None = None) -> tuple[Settings, list[str]]:
        """Return the settings, and a sentence for each invalid option.

        An invalid option has its value in the `running` settings, by default its default.
        """
        # A running relay has started without errors.
        errors = {} if running else dict(self._start_errors)
        self._read_file(errors, running)
        context = ParseContext(self._raw, self._reactor, running)
        values, before = context.values, running or Settings()
        for option in self._options.values():
            raw = self._raw.get(option.name)
            values[option.field] = getattr(Settings, option.field)
            try:
                if raw is not None:
                    values[option.field] = option.kind.read(raw, context)
            except BadOption as error:
                errors.setdefault(str(error), option.name)
                values[option.field] = getattr(before, option.field)
        values["pairs"] = before.pairs
        if not set(_LISTENER_OPTIONS).intersection(errors.values()):
            try:
                values["pairs"] = read_pairs(context)
            except BadOption as error:
                errors.setdefault(str(error), "listen")
        named = values["runtime_folder"]
        values |= {
            "runtime_folder": runtime_folder(named, self._environment, self._folder)
            if named
            else self._runtime_folder,
            "memory": memory_bytes(),
            "unknown_variables": unknown_variables(self._options.values(), self._environment),
            "service_links": self._links,
            "sources": {name: raw.source for name, raw in self._raw.items()},
        }
        return Settings(**values), list(errors)

    def files(self, settings: Settings) -> tuple[frozenset[Path], frozenset[Path]]:
        """Return the files that were or should be read, and those of them that may be folders."""
        named = {each.path for each in self._raw.values() if each.kind == "FILE"}
        served = frozenset(path for pair in settings.certificates for path in pair.files)
        return served | named, served

    def _read_file(self, errors: dict[str, str], running: Settings | None) -> None:
        """Add the options in the file of --config to those set by flags and variables."""
        config = self._outside_file.get("config")
        if config is None:
            return
        # A file names no other file.
        known = {name: option for name, option in self._options.items() if name != "config"}
        try:
            in_file, file_errors = self._parsed(from_file(config), known)
        except BadOption as error:
            in_file, file_errors = {}, {str(error): "config"}
        errors |= file_errors
        # In a running relay all that a broken file set before stays in force.
        if not (running and file_errors):
            self._raw = in_file | self._outside_file

    def _parsed(
        self, assignments: Iterable[Assignment], known: Mapping[str, Option]
    ) -> tuple[dict[str, RawOption], dict[str, str]]:
        """Return the options by name, of repeated ones the last, and the option of each error."""
        options, errors = dict[str, RawOption](), dict[str, str]()
        for each in assignments:
            try:
                options[each.name] = parse(each, known, self._folder)
            except BadOption as error:
                errors[str(error)] = each.name
        return options, errors
