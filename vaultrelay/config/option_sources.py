"""The sources of options: the command line, the environment, a TOML file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from vaultrelay.config.option import Option
from vaultrelay.config.raw_option import BadOption, RawOption
from vaultrelay.config.suggestions import did_you_mean, form_error
from vaultrelay.native import VARIABLE

_PREFIX = "RELAY_"


class Assignment(NamedTuple):
    """An option as its source sets it. `value` is a tuple of texts, or a TOML value; `list_form`
    is the form of a list in that source."""

    name: str
    source: str
    value: Any
    list_form: str


def from_flags(flags: Mapping[str, Sequence[str]]) -> list[Assignment]:
    """Return the flags that were given, by option name."""
    return [
        Assignment(name, f"--{name}", tuple(values), f"repeat --{name} for each value")
        for name, values in flags.items()
        if values
    ]


def from_variables(options: Iterable[Option], environment: Mapping[str, str]) -> list[Assignment]:
    """Return the variables that are set.

    Empty ones count as unset, as in an environment file. White space around a value is ignored:
    such a file may have been written on Windows.
    """
    list_form = "separate them by white space"
    return [
        Assignment(
            each.name, each.variable, tuple(text.split()) if each.repeatable else (text,), list_form
        )
        for each in options
        if (text := environment.get(each.variable, "").strip())
    ]


def from_file(config: RawOption) -> list[Assignment]:
    """Return the options in the file that `config` names. Raises BadOption if it cannot be read."""
    # Most relays have no such file.
    import tomllib

    try:
        table = tomllib.loads(config.text())
    except tomllib.TOMLDecodeError as error:
        raise config.refuse(f"is not valid TOML: {error}") from None
    except (ValueError, RecursionError):
        raise config.refuse(
            "is not valid TOML: a number is too large, or tables are nested too deeply"
        ) from None
    list_form = 'write a list, such as ["one", "two"]'
    return [
        Assignment(key, f"{config.last}: {key}", value, list_form) for key, value in table.items()
    ]


def parse(assignment: Assignment, options: Mapping[str, Option], folder: str) -> RawOption:
    """Return the option with its texts. Raises BadOption if it or its form is invalid."""
    name, source, value, list_form = assignment
    option = options.get(name)
    if option is None:
        raise BadOption(f"{source}: unknown option{did_you_mean(name, options)}")
    if option.is_switch and isinstance(value, bool):
        value = "yes" if value else "no"
    is_list = isinstance(value, tuple) or (option.repeatable and isinstance(value, list))
    values = value if is_list else (value,)
    if not all(type(each) in (str, int) for each in values):
        found = RawOption(source, (json.dumps(value, default=str),))
        raise found.refuse(
            "must be a string or an integer" + (", or a list of them" if option.repeatable else "")
        )
    try:
        texts = tuple(map(str, values))
    except ValueError:
        # Python formats no number of more than 4300 digits.
        raise BadOption(f"{source}: the number is too large") from None
    error = form_error(
        option.value, texts, list_form if option.repeatable else "", option.may_be_empty
    )
    if error:
        raise BadOption(f"{source}: {error}")
    return RawOption(source, texts, option.value, folder)


def unknown_variables(options: Iterable[Option], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the RELAY_ variables that are not options: another program's, or misspelled. The one
    that chooses between compiled and pure twins is the process's, and none of the options."""
    ours = {name for name in environment if name.startswith(_PREFIX)}
    return tuple(sorted(ours.difference((option.variable for option in options), {VARIABLE})))


def variable_hint(options: Iterable[Option], variable: str) -> str:
    """Return the end of a sentence about an unknown variable: the most similar known one."""
    known = [option.variable.removeprefix(_PREFIX) for option in options]
    return did_you_mean(variable.removeprefix(_PREFIX), known, _PREFIX + "{}")
