"""Sources of options: the command line, the environment, a TOML file."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from vaultrelay.certificates.plain_file import read_file, why_unreadable
from vaultrelay.config.given import BadOption, Given
from vaultrelay.config.option import Option
from vaultrelay.config.slips import complaint, did_you_mean

_PREFIX = "RELAY_"

Report: TypeAlias = Callable[[BadOption], None]
"""Takes each error; it may raise it."""
Options: TypeAlias = Mapping[str, Option]
"""By name."""


class Source:
    """Collects the options of one source as `given`; `report` takes an error of each."""

    def __init__(self, folder: str, report: Report) -> None:
        self.given: dict[str, Given] = {}
        self._folder = folder
        self.report = report

    def add(self, option: Option, origin: str, values: tuple[str, ...], several: str) -> None:
        """Add an option, unless its form is wrong. `several`: how this source writes a list."""
        wrong = complaint(
            option.value, values, several if option.repeatable else "", option.may_be_empty
        )
        if wrong:
            self.report(BadOption(f"{origin}: {wrong}"))
        else:
            self.given[option.name] = Given(origin, values, option.value, self._folder)


def add_flags(source: Source, options: Options, flags: Mapping[str, Sequence[str]]) -> None:
    """Add the flags that were given, by option name."""
    for name, values in flags.items():
        if values:
            several = f"give --{name} once for each"
            source.add(options[name], f"--{name}", tuple(values), several)


def add_variables(source: Source, options: Options, environment: Mapping[str, str]) -> None:
    """Add the variables that are set.

    Empty ones count as not set, as in an environment file. White space around a value is not part
    of it: such a file may have been written on Windows.
    """
    for option in options.values():
        value = environment.get(option.variable, "").strip()
        if value:
            values = tuple(value.split()) if option.repeatable else (value,)
            source.add(option, option.variable, values, "separate them by white space")


def unknown_variables(options: Options, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the RELAY_ variables that are not options: another program's, or misspelled."""
    known = {option.variable for option in options.values()}
    return tuple(
        sorted(name for name in environment if name.startswith(_PREFIX) and name not in known)
    )


def variable_hint(options: Iterable[Option], variable: str) -> str:
    """Return the end of a sentence about an unknown variable: the one that is most like it."""
    known = [option.variable.removeprefix(_PREFIX) for option in options]
    return did_you_mean(variable.removeprefix(_PREFIX), known, _PREFIX + "{}")


def add_file(source: Source, options: Options, config: Given) -> None:
    """Add what the file that `config` names sets. Raises BadOption if the file cannot be read."""
    known = options.keys() - {"config"}
    for key, value in _table(config).items():
        origin = f"{config.last}: {key}"
        if key not in known:
            hint = did_you_mean(key, known)
            source.report(BadOption(f"{origin}: there is no such option{hint}"))
            continue
        try:
            texts = _texts(origin, value, options[key].repeatable)
        except BadOption as error:
            source.report(error)
        else:
            source.add(options[key], origin, texts, 'write a list, such as ["one", "other"]')


def _table(config: Given) -> dict[str, Any]:
    # Most relays have no such file.
    import tomllib

    try:
        return tomllib.loads(read_file(config.path).decode("utf-8-sig"))
    except OSError as error:
        raise config.refuse(f"cannot be read: {why_unreadable(config.path, error)}") from None
    except UnicodeDecodeError:
        raise config.refuse("is not TOML: it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise config.refuse(f"is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise config.refuse(
            "is not TOML that can be read: a number or a nesting is too large"
        ) from None


def _texts(origin: str, value: object, is_list: bool) -> tuple[str, ...]:
    """Return the texts of a value of the file, which may have numbers."""
    values = value if is_list and isinstance(value, list) else [value]
    if not all(type(item) in (str, int) for item in values):
        raise Given(origin, (json.dumps(value, default=str),)).refuse(
            "must be a text or a whole number"
        )
    try:
        return tuple(map(str, values))
    except ValueError:
        # Python writes no number of more than 4300 digits.
        raise BadOption(f"{origin}: the number is too large") from None
