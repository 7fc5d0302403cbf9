"""Where options stand: on the command line, in the environment, in a TOML file."""

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.python import usage

from vaultrelay.logs import printable
from vaultrelay.options.table import BY_NAME, OPTIONS
from vaultrelay.transport.plain_file import read_file


class BadOption(usage.UsageError):
    """An option that cannot be used: where it stands, its value, and what is allowed."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


@dataclass(frozen=True)
class Given:
    """The values of one option and where they stand: a flag, a variable, or a file and key.

    Relative file names are meant in `folder`.
    """

    origin: str
    values: tuple[str, ...]
    folder: str = ""

    @property
    def path(self) -> Path:
        """The file that the last value names, wherever the process has gone to since the start."""
        return Path(self.folder, self.values[-1])

    def refuse(self, allowed: str) -> BadOption:
        """The error that the value is not what is allowed."""
        return BadOption(f"{self.origin}: '{' '.join(self.values)}' {allowed}")


def from_flags(flags: Mapping[str, Sequence[str]]) -> dict[str, Given]:
    """The flags that were given, by option name."""
    return {name: Given(f"--{name}", tuple(values)) for name, values in flags.items() if values}


def from_variables(environment: Mapping[str, str]) -> dict[str, Given]:
    """The variables that are set. Empty ones count as not set, as in an environment file."""
    given = {}
    for option in OPTIONS:
        value = environment.get(option.variable, "")
        if value.strip():
            values = tuple(value.split()) if option.repeatable else (value,)
            given[option.name] = Given(option.variable, values)
    return given


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The RELAY_ variables that are no option: perhaps somebody else's, perhaps misspelled."""
    known = {option.variable for option in OPTIONS}
    return tuple(sorted(set(filter(_is_ours, environment)) - known))


def _is_ours(variable: str) -> bool:
    return variable.startswith("RELAY_")


def from_file(config: Given) -> dict[str, Given]:
    """What stands in the file that `config` names; BadOption for what cannot."""
    path = config.values[0]
    try:
        table = tomllib.loads(read_file(config.path).decode("utf-8-sig"))
    except OSError as error:
        raise config.refuse(f"cannot be read: {(error.strerror or '').lower()}") from None
    except UnicodeDecodeError:
        raise config.refuse("is not TOML: it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise config.refuse(f"is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise config.refuse(
            "is not TOML that can be read: a number or a nesting is too large"
        ) from None
    given = {}
    for key, value in table.items():
        origin = f"{path}: {key}"
        option = BY_NAME.get(key)
        if option is None or key == "config":
            close = difflib.get_close_matches(key, BY_NAME.keys() - {"config"}, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise BadOption(f"{origin}: there is no such option{hint}")
        values = value if option.repeatable and isinstance(value, list) else [value]
        if not all(type(item) in (str, int) for item in values):
            raise Given(origin, (json.dumps(value, default=str),)).refuse(
                "must be a text or a whole number"
            )
        try:
            given[key] = Given(origin, tuple(str(item) for item in values))
        except ValueError:
            # Python writes no number of more than 4300 digits.
            raise BadOption(f"{origin}: the number is too large") from None
    return given
