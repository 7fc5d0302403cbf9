"""The JSON Schema (draft 2020-12) of the TOML file, for editors and tests."""

from collections.abc import Iterable
from typing import TypeAlias

from vaultrelay.config.option import Option
from vaultrelay.config.option_kinds import SWITCH_WORDS, Choice, Integer, Kind, Listed, Switch

Schema: TypeAlias = dict[str, object]
_TEXT: Schema = {"type": "string", "minLength": 1}


def schema(options: Iterable[Option]) -> Schema:
    """Return the schema. It ignores constraints that depend on other options, or on files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "relay.toml: the options of a VaultMesh relay",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            option.name: _property(option) for option in options if option.name != "config"
        },
    }


def _property(option: Option) -> Schema:
    found = {"description": option.help, **_of_kind(option.kind)}
    if option.may_be_empty:
        found["minLength"] = 0
    if option.default:
        is_number = isinstance(option.kind, Integer)
        found["default"] = int(option.default) if is_number else option.default
        if option.is_switch:
            found["default"] = option.default == "yes"
    return found


def _of_kind(kind: Kind) -> Schema:
    match kind:
        case Integer(within=(lowest, highest)):
            # A number may also be a string.
            limits = {"minimum": lowest, "maximum": highest, "pattern": r"^\s*[0-9]+\s*$"}
            return {"type": ["integer", "string"], **limits}
        case Switch():
            return {"enum": [True, False, *SWITCH_WORDS]}
        case Choice(words=words):
            return {"enum": list(words)}
        case Listed(maximum=maximum):
            limit = {} if maximum is None else {"maxItems": maximum}
            return {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, **limit}]}
        case _:
            return dict(_TEXT)
