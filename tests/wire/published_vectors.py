"""The published test vectors, as cases of tests."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.control.from_relay import FromRelay

DOCS = Path(__file__).parents[2] / "docs"
Vector = dict[str, Any]
ALL: dict[str, Any] = json.loads((DOCS / "vectors.json").read_bytes())


def name_of(vector: object) -> str | None:
    """What a vector is called in pytest's report."""
    if not isinstance(vector, dict):
        return None
    return next((str(vector[key]) for key in ("name", "why", "text", "url") if key in vector), None)


def each(*path: str) -> pytest.MarkDecorator:
    """Runs a test with every vector of one list."""
    vectors: Any = ALL
    for name in path:
        vectors = vectors[name]
    assert vectors
    return pytest.mark.parametrize("vector", vectors, ids=name_of)


def with_hex(value: Any) -> Any:
    """A control message's fields as the vectors have them: byte strings in hex, no tuples."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, MailboxLimits):
        return value._asdict()
    if isinstance(value, tuple | list):
        return [with_hex(item) for item in value]
    if isinstance(value, dict):
        return {name: with_hex(item) for name, item in value.items()}
    return value


def fields_of(message: FromRelay) -> Vector:
    """The fields of a control message, as the vectors have them."""
    fields = with_hex(dataclasses.asdict(message))
    # `joined` has its peer's fields beside its own.
    fields.update(fields.pop("peer", {}))
    for name in ("node", "mailbox"):
        if fields.get(name, "") is None:
            # Of a relay without a name, or without a mailbox: the fields that are missing then.
            del fields[name]
    return {"type": message.type, **fields}
