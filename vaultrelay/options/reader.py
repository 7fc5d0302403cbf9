"""SettingsReader: reads all that says how the relay is to run, at the start and again later."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaultrelay.options.sources import (
    BadOption,
    Given,
    from_file,
    from_flags,
    from_variables,
    unknown_variables,
)
from vaultrelay.options.table import BY_NAME
from vaultrelay.options.values import Values
from vaultrelay.runtime_folder import runtime_folder
from vaultrelay.service_links import service_links
from vaultrelay.settings import Settings


class SettingsReader:
    """Reads settings from flags (values by option name), variables, and the files they name.

    Endpoint strings are read for `reactor`, on which they would listen.
    """

    def __init__(
        self,
        flags: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        reactor: Any = None,
    ) -> None:
        self._links = service_links(environment)
        self._environment = {
            name: value for name, value in environment.items() if name not in self._links
        }
        self._before = from_variables(self._environment)
        self._before.update(from_flags(flags))
        self._given = self._before
        self._reactor = reactor

    def read(self) -> Settings:
        """The settings; BadOption for the first that cannot be used."""
        self._given = self._with_file()
        return self._with_surroundings(Values(self._given, self._reactor).settings())

    def read_again(self, kept: Settings) -> tuple[Settings, list[str]]:
        """The settings as they are now, and in a sentence each what cannot be used.

        What cannot be used stays as it is in `kept`, and nothing else does.
        """
        troubles = []
        try:
            self._given = self._with_file()
        except BadOption as error:
            # All that the file said still holds. The files that it names may have changed.
            troubles.append(str(error))
        values = Values(self._given, self._reactor, kept)
        return self._with_surroundings(values.settings()), troubles + values.troubles

    def files(self, settings: Settings) -> tuple[frozenset[Path], frozenset[Path]]:
        """The files that were read, or could not be; and those of them that may be folders."""
        named = {
            Path(given.values[-1]) for name, given in self._given.items() if BY_NAME[name].is_file
        }
        served = frozenset(path for pair in settings.certificates for path in pair.files)
        return served | named, served

    def _with_file(self) -> dict[str, Given]:
        config = self._before.get("config")
        return dict(self._before) if config is None else {**from_file(config), **self._before}

    def _with_surroundings(self, settings: Settings) -> Settings:
        """`settings` with what the environment says beside the options."""
        named = self._given.get("runtime-folder")
        return replace(
            settings,
            runtime_folder=runtime_folder(named.values[-1] if named else "", self._environment),
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
