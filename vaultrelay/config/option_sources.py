"""Sources of options: the command line, the environment, a TOML file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from vaultrelay.config.option import Option
from vaultrelay.config.raw_option import BadOption, Given
from vaultrelay.config.suggestions import complaint, did_you_mean

_PREFIX = "RELAY_"


class Item(NamedTuple):
    """An option from its source. `value` is a tuple of texts, or a TOML value; `several` is the
    form of a list in that source."""

    name: str
    origin: str
    value: Any
    several: str


def from_flags(flags: Mapping[str, Sequence[str]]) -> list[Item]:
    """Return the flags that were given, by option name."""
    return [
        Item(name, f"--{name}", tuple(values), f"give --{name} once for each")
        for name, values in flags.items()
        if values
    ]


def from_variables(options: Iterable[Option], environment: Mapping[str, str]) -> list[Item]:
    """Return the variables that are set.

    Empty ones count as unset, as in an environment file. White space around a value is ignored:
    such a file may have been written on Windows.
    """
    several = "separate them by white space"
    return [
        Item(each.name, each.variable, tuple(text.split()) if each.repeatable else (text,), several)
        for each in options
        if (text := environment.get(each.variable, "").strip())
    ]


def from_file(config: Given) -> list[Item]:
    """Return the options in the file that `config` names. Raises BadOption if it cannot be read."""
    # Most relays have no such file.
    import tomllib

    text = config.text("is not TOML: it is not UTF-8 text")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise config.refuse(f"is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise config.refuse(
            "is not TOML that can be read: a number or a nesting is too large"
        ) from None
    several = 'write a list, such as ["one", "other"]'
    return [Item(key, f"{config.last}: {key}", value, several) for key, value in table.items()]


def checked(item: Item, options: Mapping[str, Option], folder: str) -> Given:
    """Return an option from those known by name. Raises BadOption if it or its form is invalid."""
    option = options.get(item.name)
    if option is None:
        hint = did_you_mean(item.name, options)
        raise BadOption(f"{item.origin}: there is no such option{hint}")
    is_list = isinstance(item.value, tuple) or (option.repeatable and isinstance(item.value, list))
    values = item.value if is_list else (item.value,)
    if not all(type(value) in (str, int) for value in values):
        raise Given(item.origin, (json.dumps(item.value, default=str),)).refuse(
            "must be a text or a whole number"
        )
    try:
        texts = tuple(map(str, values))
    except ValueError:
        # Python formats no number of more than 4300 digits.
        raise BadOption(f"{item.origin}: the number is too large") from None
    several = item.several if option.repeatable else ""
    if wrong := complaint(option.value, texts, several, option.may_be_empty):
        raise BadOption(f"{item.origin}: {wrong}")
    return Given(item.origin, texts, option.value, folder)


def unknown_variables(options: Iterable[Option], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the RELAY_ variables that are not options: another program's, or misspelled."""
    ours = {name for name in environment if name.startswith(_PREFIX)}
    return tuple(sorted(ours.difference(option.variable for option in options)))


def variable_hint(options: Iterable[Option], variable: str) -> str:
    """Return the end of a sentence about an unknown variable: the most similar known one."""
    known = [option.variable.removeprefix(_PREFIX) for option in options]
    return did_you_mean(variable.removeprefix(_PREFIX), known, _PREFIX + "{}")
