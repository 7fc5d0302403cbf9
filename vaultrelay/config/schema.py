"""The JSON Schema (draft 2020-12) of the TOML file, for editors and tests."""

from collections.abc import Iterable

from vaultrelay.config.kinds import Integer
from vaultrelay.config.option import Option
from vaultrelay.config.sample import in_file


def schema(options: Iterable[Option]) -> dict[str, object]:
    """Return the schema. What depends on other options, or on files, it does not check."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "relay.toml: the options of a VaultMesh relay",
        "type": "object",
        "additionalProperties": False,
        "properties": {option.name: _property(option) for option in in_file(options)},
    }


def _property(option: Option) -> dict[str, object]:
    found = {"description": option.help, **option.kind.schema()}
    if option.may_be_empty:
        found["minLength"] = 0
    if option.default:
        is_number = isinstance(option.kind, Integer)
        found["default"] = int(option.default) if is_number else option.default
    return found
