"""Option: the declaration of one option of the relay.

A class of settings declares an option as a field, ``port: int = option("port", ...)``. Everything
else is derived from the declaration: flag, variable, key of the file, reload, help, documents.
"""

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any

from vaultrelay.config.option_kinds import Choice, Integer, Kind, Listed, ListFile, Switch


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option. `kind` reads and shows its value; `example` is a value for the documents.

    `live`: a reload applies it, else it takes a restart. `guard`: it restricts access, so that
    removing it takes a restart. `may_be_empty`: an empty flag overrides the value of a variable or
    the file. `in_status`: the status page shows it. `effective` is the attribute with the value in
    force, which may follow from other values; `field` is the attribute with the value itself.
    """

    name: str
    kind: Kind
    help: str
    group: str
    default: str = ""
    example: str = ""
    live: bool = True
    guard: bool = False
    may_be_empty: bool = False
    in_status: bool = True
    effective: str = ""
    field: str = ""

    @property
    def value(self) -> str:
        """The word for its value in the help."""
        return self.kind.value

    @property
    def is_switch(self) -> bool:
        """Whether its flag has no value."""
        return isinstance(self.kind, Switch)

    @property
    def flag(self) -> str:
        """The flag with the word for its value, as the help shows it."""
        return f"--{self.name} {self.value}".rstrip()

    @property
    def repeatable(self) -> bool:
        """Whether it takes a list of values."""
        return isinstance(self.kind, Listed)

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "RELAY_" + self.name.upper().replace("-", "_")

    @property
    def full_help(self) -> str:
        """The help and the default."""
        return self.help + (f" Default: {self.default}." if self.default else "")

    @property
    def assignment(self) -> str:
        """A line of TOML that sets it to its default, or to its example."""
        text = self.default or self.example
        # A string of JSON is one of TOML, and so is true.
        value: Any = text == "yes" if self.is_switch else text
        value = text if isinstance(self.kind, Integer) else json.dumps(value)
        return f"{self.name} = " + (f"[{value}]" if self.repeatable else value)

    @property
    def range_note(self) -> str:
        """The range of values, as a sentence; empty if the help has it."""
        text = self.kind.described() if isinstance(self.kind, Integer | Choice) else ""
        return f"{text[0].upper()}{text[1:]}." if text and text not in self.help else ""

    @property
    def reload_note(self) -> str:
        """The effect of a reload on a changed value; empty if the reload applies it."""
        if not self.live:
            return "A change requires a restart."
        return "Removing it requires a restart." if self.guard else ""


def option(name: str, kind: Kind, default: Any, group: str, help: str, **more: Any) -> Any:
    """Declare a field of a class of settings as an option. `more` are fields of Option."""
    text = str(default) if isinstance(default, int | str) else ""
    if isinstance(kind, Switch):
        text = "yes" if default else "no"
    declared = Option(name=name, kind=kind, help=help, group=group, default=text, **more)
    return field(
        default=default, repr=not isinstance(kind, ListFile), metadata={"option": declared}
    )


def options_of(settings: Any) -> tuple[Option, ...]:
    """Return the options that a class of settings declares, group by group."""
    return tuple(
        replace(each.metadata["option"], field=each.name)
        for each in fields(settings)
        if each.metadata
    )
