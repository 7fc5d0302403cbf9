"""The published JSON Schema against the vectors, and against what the relay refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vaultrelay.wire import refusal

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "schema.json").read_bytes())
VECTORS: dict[str, Any] = json.loads((DOCS / "vectors.json").read_bytes())
BEYOND_A_SCHEMA = {"control_size", "json", "duplicate_name", "second_hello", "other_channel"}
BEYOND_A_SCHEMA |= {"keepalive_before_welcome", "data_before_welcome"}
"""Rules about text, or about the conversation."""
PERMITTED = (
    # To JSON Schema 50.0 is a whole number.
    ":50.0}",
    # Only a relay without a mailbox refuses it.
    '{"type":"erase"}',
)


def accepts(name: str, value: object) -> bool:
    schema = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    return bool(Draft202012Validator(schema).is_valid(value))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        each["text"]
        for vectors in (VECTORS, VECTORS["mailbox"])
        for name in ("relay_controls", "tolerated_relay_controls")
        for each in vectors[name]
    ],
)
def test_it_accepts_what_a_relay_sends(text: str) -> None:
    assert accepts("from_relay", json.loads(text))


@pytest.mark.parametrize(
    "text",
    [each["hello"] for each in VECTORS["joins"]]
    + [each["text"] for each in VECTORS["device_controls"]]
    + [each["text"] for each in VECTORS["mailbox"]["device_controls"]],
)
def test_it_accepts_what_a_device_sends(text: str) -> None:
    assert accepts("from_device", json.loads(text))


@pytest.mark.parametrize(
    "vector",
    [
        each
        for each in VECTORS["refused_device_controls"]
        + VECTORS["mailbox"]["refused_device_controls"]
        if each["rule"] not in BEYOND_A_SCHEMA and not each["text"].endswith(PERMITTED)
    ],
    ids=lambda vector: vector["rule"],
)
def test_it_refuses_what_a_relay_refuses(vector: dict[str, str]) -> None:
    assert not accepts("from_device", json.loads(vector["text"]))


@pytest.mark.parametrize(
    "message",
    [
        {"type": "joined", "session": 0, "device": "AAAAAAAAAAA"},
        {"type": "joined", "session": 3, "device": "AAAAAAAAAAB"},
        {"type": "draining", "reason": "x", "closes_in": 3601, "reconnect": [2, 12]},
        {"type": "draining", "reason": "x", "closes_in": 1, "reconnect": [2]},
        {"type": "keepalive", "ping_seconds": 19},
        {"type": "busy"},
        {"type": "mailbox", "state": "live"},
        {"type": "erased"},
        {**json.loads(VECTORS["mailbox"]["relay_controls"][0]["text"]), "mailbox": {}},
    ]
    + [json.loads(each["text"]) for each in VECTORS["mailbox"]["refused_relay_controls"]],
    ids=json.dumps,
)
def test_it_refuses_what_a_device_refuses(message: dict[str, object]) -> None:
    assert not accepts("from_relay", message)


@pytest.mark.parametrize(
    "found", [refusal.not_found(), refusal.protocol_unsupported((3,)), refusal.draining(5)]
)
def test_it_accepts_refusals(found: refusal.Refusal) -> None:
    assert accepts("refusal", json.loads(found.body()))
    assert not accepts("refusal", {"error": "x"})
