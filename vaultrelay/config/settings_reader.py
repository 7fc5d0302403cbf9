"""SettingsReader: reads the options of a relay into Settings, at the start and at each reload."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaultrelay.certificates.regular_file import start_folder
from vaultrelay.config.listener_certificates import Pairs, read_pairs
from vaultrelay.config.mailbox_options import mailbox_fault
from vaultrelay.config.memory_limit import memory_bytes
from vaultrelay.config.option import Option
from vaultrelay.config.option_kinds import Lists, ParseContext
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
from vaultrelay.policy.rest import Rest, no_rest

_LISTENER_OPTIONS = ("listen", "tls-cert", "tls-key")
_PAIR_OPTIONS = (*_LISTENER_OPTIONS, "port", "bind")
"""The options on which the certificates depend, or their errors."""


def _mailbox_values(settings: Settings) -> dict[str, object]:
    """Return the values that a fault of the mailbox leaves as they were."""
    return {"mailbox": settings.mailbox, "node_name": settings.node_name}


class SettingsReader:
    """Reads settings from flags (values by option name), variables, and the files they name.

    Endpoint strings are read for `reactor`, on which they would listen. Names are relative to the
    start folder, and the runtime folder is for `user`, by default the current one: twistd changes
    both. `current` describes what is being read.
    """

    current = ""

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
        self._lists: Lists = {}
        self._pairs: tuple[Pairs, ...] = ()
        self._pairs_raws: list[RawOption | None] | None = None

    def read(self) -> Settings:
        """Return the settings. Raises BadOption for the first invalid option."""
        settings, errors = self.read_all()
        if errors:
            raise BadOption(errors[0])
        return settings

    def read_all(
        self,
        running: Settings | None = None,
        *,
        changed: Collection[Path] | None = None,
        rest: Rest = no_rest,
    ) -> tuple[Settings, list[str]]:
        """Return the settings, and a sentence for each invalid option.

        An invalid option has its value in the `running` settings, by default its default. With
        `changed`, certificates whose files are not among them are not read again. `rest` is called
        often while long files or many certificates are read.
        """
        # A running relay has started without errors.
        errors = {} if running else dict(self._start_errors)
        self._read_file(errors, running)
        context = ParseContext(self._raw, self._reactor, running, rest, old_lists=self._lists)
        self._read_values(context, errors)
        self._lists = context.lists
        sources = {name: raw.source for name, raw in self._raw.items()}
        if fault := mailbox_fault(context.values, sources):
            errors.setdefault(fault, "mailbox")
            context.values |= _mailbox_values(running or Settings())
        if not set(_LISTENER_OPTIONS).intersection(errors.values()):
            try:
                context.values["pairs"] = self._read_pairs(context, changed)
            except BadOption as error:
                errors.setdefault(str(error), "listen")
        named = context.values["runtime_folder"]
        context.values |= {
            "runtime_folder": runtime_folder(named, self._environment, self._folder)
            if named
            else self._runtime_folder,
            "memory": memory_bytes(),
            "unknown_variables": unknown_variables(self._options.values(), self._environment),
            "service_links": self._links,
            "sources": sources,
        }
        return Settings(**context.values), list(errors)

    def files(self, *settings: Settings) -> tuple[frozenset[Path], frozenset[Path]]:
        """Return the files that were or should be read, and those of them that may be folders."""
        named = {each.path for each in self._raw.values() if each.kind == "FILE"}
        served = frozenset(
            path for each in settings for pair in each.certificates for path in pair.files
        )
        return served | named, served

    def _read_values(self, context: ParseContext, errors: dict[str, str]) -> None:
        """Read each option into the values of `context`."""
        before = context.running or Settings()
        context.values["pairs"] = before.pairs
        for option in self._options.values():
            raw = self._raw.get(option.name)
            context.values[option.field] = getattr(Settings, option.field)
            try:
                if raw is not None:
                    self.current = raw.described
                    context.values[option.field] = option.kind.read(raw, context)
            except BadOption as error:
                errors.setdefault(str(error), option.name)
                context.values[option.field] = getattr(before, option.field)

    def _read_pairs(
        self, context: ParseContext, changed: Collection[Path] | None
    ) -> tuple[Pairs, ...]:
        """Return the certificates, those of the last time if neither options nor files changed.

        Raises BadOption as `read_pairs` does.
        """
        raws = [self._raw.get(name) for name in _PAIR_OPTIONS]
        files = {path for pairs in self._pairs for pair in pairs for path in pair.files}
        if changed is None or raws != self._pairs_raws or not files.isdisjoint(changed):
            # Those of files that could not be used are read again each time.
            self._pairs_raws = None
            first = next(filter(None, raws), None)
            self.current = f"the certificates of {first.source}" if first else ""
            self._pairs, self._pairs_raws = read_pairs(context), raws
        return self._pairs

    def _read_file(self, errors: dict[str, str], running: Settings | None) -> None:
        """Add the options in the file of --config to those set by flags and variables."""
        config = self._outside_file.get("config")
        if config is None:
            return
        self.current = config.described
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
