"""Where options stand: on the command line, in the environment, in a TOML file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twisted.python import usage

from vaultrelay.certificates.plain_file import read_file, why_unreadable
from vaultrelay.config.slips import complaint, hint
from vaultrelay.config.table import BY_NAME, OPTIONS, Option
from vaultrelay.logs import printable


class BadOption(usage.UsageError):
    """An option that cannot be used: where it stands, its value, and what is allowed."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


@dataclass(frozen=True)
class Given:
    """The values of one option and where they stand: a flag, a variable, or a file and key.

    `kind` is that of the option: Option.value. Relative file names are meant in `folder`.
    """

    origin: str
    values: tuple[str, ...]
    kind: str = ""
    folder: str = ""

    @property
    def path(self) -> Path:
        """The file that the last value names, wherever the process has gone to since the start."""
        return Path(self.folder, self.values[-1])

    def refuse(self, allowed: str) -> BadOption:
        """The error that the value is not what is allowed."""
        return self.wrong(f"'{' '.join(self.values)}' {allowed}")

    def wrong(self, sentence: str) -> BadOption:
        """The error that a sentence says of the value, and what to write instead."""
        instead = hint(self.kind, " ".join(self.values))
        return BadOption(f"{self.origin}: {sentence}" + (f"; {instead}" if instead else ""))

    def only(self, value: str) -> "Given":
        """One of several values."""
        return replace(self, values=(value,))


def from_flags(flags: Mapping[str, Sequence[str]]) -> dict[str, Given]:
    """The flags that were given, by option name; BadOption for values that are none."""
    return {
        name: _given(BY_NAME[name], f"--{name}", tuple(values), f"give --{name} once for each")
        for name, values in flags.items()
        if values
    }


def from_variables(environment: Mapping[str, str]) -> dict[str, Given]:
    """The variables that are set; BadOption for values that are none.

    Empty ones count as not set, as in an environment file. White space around a value is not part
    of it: such a file may have been written on Windows.
    """
    given = {}
    for option in OPTIONS:
        value = environment.get(option.variable, "").strip()
        if value:
            values = tuple(value.split()) if option.repeatable else (value,)
            several = "separate them by white space"
            given[option.name] = _given(option, option.variable, values, several)
    return given


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The RELAY_ variables that are no option: perhaps somebody else's, perhaps misspelled."""
    known = {option.variable for option in OPTIONS}
    return tuple(sorted(set(filter(_is_ours, environment)) - known))


def _is_ours(variable: str) -> bool:
    return variable.startswith("RELAY_")


def _hint(key: str) -> str:
    """Return the end of a sentence about an unknown option: the one that it may stand for."""
    from difflib import get_close_matches

    close = get_close_matches(key, BY_NAME.keys() - {"config"}, 1)
    return f"; did you mean {close[0]}?" if close else ""


def from_file(config: Given) -> dict[str, Given]:
    """What stands in the file that `config` names; BadOption for what cannot."""
    # Most relays have no such file.
    import tomllib

    path = config.values[0]
    try:
        table = tomllib.loads(read_file(config.path).decode("utf-8-sig"))
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
    given = {}
    for key, value in table.items():
        origin = f"{path}: {key}"
        option = BY_NAME.get(key)
        if option is None or key == "config":
            raise BadOption(f"{origin}: there is no such option{_hint(key)}")
        values = value if option.repeatable and isinstance(value, list) else [value]
        if not all(type(item) in (str, int) for item in values):
            raise Given(origin, (json.dumps(value, default=str),)).refuse(
                "must be a text or a whole number"
            )
        try:
            texts = tuple(str(item) for item in values)
        except ValueError:
            # Python writes no number of more than 4300 digits.
            raise BadOption(f"{origin}: the number is too large") from None
        given[key] = _given(option, origin, texts, 'write a list, such as ["one", "other"]')
    return given


def _given(option: Option, origin: str, values: tuple[str, ...], several: str) -> Given:
    """What was given for an option; `several` says how more than one value is written there."""
    wrong = complaint(option.name, option.value, values, several if option.repeatable else "")
    if wrong:
        raise BadOption(f"{origin}: {wrong}")
    return Given(origin, values, option.value)
