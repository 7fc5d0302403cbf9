"""Options as flags, variables and a file, and what the relay makes of them."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.python.usage import UsageError

from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.settings import Settings

CONFIG = "relay.toml"
ORIGINS = ("flag", "variable", "file")


class MemoryOptions(RelayOptions):
    """Reads endpoint strings for a reactor in memory."""

    def reactor(self) -> Any:
        return MemoryReactorClock()


def read(*flags: str, toml: str | bytes | None = None, **variables: str) -> Settings:
    """What command line, environment and file together give."""
    options = MemoryOptions()
    options.environment = variables
    if toml is not None:
        Path(CONFIG).write_bytes(toml if isinstance(toml, bytes) else toml.encode())
        flags = (*flags, f"--config={CONFIG}")
    options.parseOptions(list(flags))
    return options.settings


def refusal_of(*flags: str, toml: str | bytes | None = None, **variables: str) -> str:
    """The one line of the error that is reported instead."""
    with pytest.raises(UsageError) as caught:
        read(*flags, toml=toml, **variables)
    said = str(caught.value)
    assert said.isprintable()
    return said


def variable_of(name: str) -> str:
    return "RELAY_" + name.upper().replace("-", "_")


def at(origin: str, *given: tuple[str, str]) -> tuple[list[str], str | None, dict[str, str]]:
    """Options by name and value as flags, as a file and as variables: one of the three is used."""
    flags = [f"--{name}={value}" for name, value in given]
    lines = [f"{name} = '{value}'" for name, value in given]
    variables = {variable_of(name): value for name, value in given}
    return (
        flags if origin == "flag" else [],
        "\n".join(lines) if origin == "file" else None,
        variables if origin == "variable" else {},
    )


def read_at(origin: str, *given: tuple[str, str]) -> Settings:
    flags, toml, variables = at(origin, *given)
    return read(*flags, toml=toml, **variables)


def refusal_at(origin: str, *given: tuple[str, str]) -> str:
    flags, toml, variables = at(origin, *given)
    return refusal_of(*flags, toml=toml, **variables)


def named(origin: str, name: str) -> str:
    """How an error names an option of that origin."""
    return {"flag": f"--{name}", "variable": variable_of(name), "file": f"{CONFIG}: {name}"}[origin]
