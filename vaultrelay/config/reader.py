"""SettingsReader: reads all that says how the relay is to run, at the start and again later."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaultrelay.certificates.plain_file import start_folder
from vaultrelay.config.runtime_folder import runtime_folder
from vaultrelay.config.service_links import service_links
from vaultrelay.config.settings import Settings
from vaultrelay.config.sources import (
    BadOption,
    Given,
    from_file,
    from_flags,
    from_variables,
    unknown_variables,
)
from vaultrelay.config.table import BY_NAME
from vaultrelay.config.values import Values


class SettingsReader:
    """Reads settings from flags (values by option name), variables, and the files they name.

    Endpoint strings are read for `reactor`, on which they would listen. Relative names are meant in
    the folder of the start, and the runtime folder is for `user`, by default the current one:
    twistd changes both.
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
        # Of the start, too: by and by this process is that other user.
        self._runtime_folder = runtime_folder("", environment, self._folder, user)
        self._before = self._placed({**from_variables(self._environment), **from_flags(flags)})
        self._given = self._before
        self._reactor = reactor

    def read(self) -> Settings:
        """The settings; BadOption for the first that cannot be used."""
        self._given = self._with_file()
        return self._with_surroundings(self._values().settings())

    def read_again(self, kept: Settings) -> tuple[Settings, list[str]]:
        """The settings as they are now, and in a sentence each what cannot be used.

        What cannot be used stays as it is in `kept`, and nothing else does.
        """
        errors = []
        try:
            self._given = self._with_file()
        except BadOption as error:
            # All that the file said still holds. The files that it names may have changed.
            errors.append(str(error))
        values = self._values(kept)
        return self._with_surroundings(values.settings()), errors + values.errors

    def files(self, settings: Settings) -> tuple[frozenset[Path], frozenset[Path]]:
        """The files that were read, or could not be; and those of them that may be folders."""
        named = {given.path for name, given in self._given.items() if BY_NAME[name].is_file}
        served = frozenset(path for pair in settings.certificates for path in pair.files)
        return served | named, served

    def _values(self, kept: Settings | None = None) -> Values:
        return Values(self._given, self._reactor, kept, self._folder)

    def _with_file(self) -> dict[str, Given]:
        config = self._before.get("config")
        if config is None:
            return dict(self._before)
        return {**self._placed(from_file(config)), **self._before}

    def _placed(self, given: Mapping[str, Given]) -> dict[str, Given]:
        """`given` with the folder in which its relative names are meant."""
        return {name: replace(each, folder=self._folder) for name, each in given.items()}

    def _with_surroundings(self, settings: Settings) -> Settings:
        """`settings` with what the environment says beside the options."""
        named = self._given.get("runtime-folder")
        return replace(
            settings,
            runtime_folder=(
                runtime_folder(named.values[-1], self._environment, self._folder)
                if named
                else self._runtime_folder
            ),
            unknown_variables=unknown_variables(self._environment),
            service_links=self._links,
        )


def read_settings(
    flags: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    reactor: Any = None,
) -> Settings:
    """The settings that flags and variables give; BadOption if none."""
    return SettingsReader(flags, environment, reactor).read()
