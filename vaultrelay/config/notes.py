"""Notes: what the documents add to the help of an option."""

import json
from collections.abc import Iterable, Iterator

from vaultrelay.config.option import Option
from vaultrelay.config.option_kinds import Choice, Integer


def in_file(options: Iterable[Option]) -> Iterator[Option]:
    """Yield the options that can be in the TOML file: all but the one that names it."""
    return (option for option in options if option.name != "config")


def assignment(option: Option) -> str:
    """Return a line of TOML that sets an option to its default, or to its example."""
    text = option.default or option.example
    # A string of JSON is one of TOML.
    value = text if isinstance(option.kind, Integer) else json.dumps(text)
    return f"{option.name} = " + (f"[{value}]" if option.repeatable else value)


def range_note(option: Option) -> str:
    """Return the range of values, as a sentence; empty if the help has it."""
    kind = option.kind
    text = kind.described() if isinstance(kind, Integer | Choice) else ""
    return f"{text[0].upper()}{text[1:]}." if text and text not in option.help else ""


def reload_note(option: Option) -> str:
    """Return the effect of a reload on a changed value; empty if the reload applies it."""
    if not option.live:
        return "Takes a restart."
    return "Leaving it out takes a restart." if option.guard else ""
