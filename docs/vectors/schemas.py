"""JSON Schema (2020-12) of control messages and refusals."""

from vectors.common import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_U32 = 4294967295
_WORD: Json = {"type": "string", "maxLength": 64}
_SESSION: Json = {"type": "integer", "minimum": 1, "maximum": _U32 - 1}


def binary(size: int) -> Json:
    """A byte string in base64url, with the unused bits of its last character zero."""
    whole, rest = divmod(8 * size, 6)
    last = {0: "", 2: "[AQgw]", 4: "[AEIMQUYcgkosw048]"}[rest]
    return {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{whole}}}{last}$"}


_CURSOR = binary(16)


def schemas() -> Json:
    """One document: `from_relay`, `from_device` and `refusal`, and each message by its type."""
    messages = {**relay_messages(), **device_messages()}
    return {
        "$schema": DIALECT,
        "$id": "https://vaultmesh.invalid/relay/protocol-3.json",
        "title": "Control messages and refusals of VaultMesh relay protocol 3",
        "description": "A device ignores unknown types and fields; a relay ignores unknown fields.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in ("from_relay", "from_device", "refusal")],
        "$defs": {
            "from_relay": {
                "anyOf": [
                    *({"$ref": f"#/$defs/{name}"} for name in relay_messages()),
                    {"$ref": "#/$defs/unknown"},
                ]
            },
            "from_device": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in device_messages()]},
            **messages,
            "unknown": {
                "description": "A type that a device does not know, and ignores.",
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"type": "string", "not": {"enum": list(relay_types())}}},
            },
            "refusal": refusal(),
        },
    }


def relay_types() -> list[str]:
    """The types that a relay sends."""
    return list(relay_messages())


def message(type: str, optional: tuple[str, ...] = (), **fields: Json) -> Json:
    """The schema of a control message; further fields are permitted."""
    return {
        "type": "object",
        "required": ["type", *(name for name in fields if name not in optional)],
        "properties": {"type": {"const": type}, **fields},
    }


def whole(lowest: int, highest: int) -> Json:
    """A whole number within a range."""
    return {"type": "integer", "minimum": lowest, "maximum": highest}


def optional(schema: Json) -> Json:
    """A value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def relay_messages() -> dict[str, Json]:
    """What a relay sends, by type."""
    peer: dict[str, Json] = {"session": _SESSION, "device": binary(8)}
    return {
        "challenge": message(
            "challenge", protocol={"type": "integer"}, nonce=binary(32), relay=_WORD
        ),
        "welcome": message(
            "welcome",
            ("node", "mailbox"),
            session=_SESSION,
            peers={
                "type": "array",
                "maxItems": 1000,
                "items": {"type": "object", "required": list(peer), "properties": peer},
            },
            limits=limits(),
            ping_seconds=whole(20, 600),
            session_ttl=whole(1, 2592000),
            notice=optional({"type": "string", "maxLength": 4096}),
            node={"type": "string", "maxLength": 32, "pattern": "^[A-Za-z0-9._-]+$"},
            mailbox=mailbox_limits(),
        ),
        "joined": message("joined", (), **peer),
        "left": message("left", session=_SESSION, reason=_WORD),
        "busy": message("busy", session=_SESSION),
        "ready": message("ready", session=_SESSION),
        "keepalive": message("keepalive", ping_seconds=whole(20, 600)),
        "draining": message(
            "draining",
            reason=_WORD,
            closes_in=whole(0, 3600),
            reconnect={
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": whole(0, 3600),
                "description": "The minimum and the maximum delay, in this order.",
            },
        ),
        "mailbox": mailbox_state(),
        "erased": message("erased", cursor=optional(_CURSOR)),
    }


def limits() -> Json:
    """The limits in a welcome."""
    fields: dict[str, Json] = {
        "message_bytes": whole(1024, 67108864),
        "messages_per_second": optional(whole(1, 1000000000)),
        "bytes_per_second": optional(whole(1, 1000000000000)),
        "channel_devices": whole(1, 1000),
    }
    return {"type": "object", "required": list(fields), "properties": fields}


def mailbox_limits() -> Json:
    """The limits of a mailbox in a welcome."""
    fields: dict[str, Json] = {
        "retention": whole(60, 31536000),
        "item_bytes": whole(1024, 262144),
        "channel_bytes": whole(1024, 1000000000000),
        "channel_items": whole(1, 1000000000),
        "window_bytes": whole(1024, 67108864),
    }
    return {"type": "object", "required": list(fields), "properties": fields}


def mailbox_state() -> Json:
    """A state of the mailbox; a device ignores those that it does not know."""
    other: Json = {**_WORD, "not": {"enum": ["open", "live"]}}
    return {
        "anyOf": [
            message("mailbox", state={"const": "open"}, gap=optional(_WORD)),
            message("mailbox", state={"const": "live"}, cursor=optional(_CURSOR)),
            message("mailbox", state=other),
        ]
    }


def device_messages() -> dict[str, Json]:
    """What a device sends."""
    return {
        "hello": message(
            "hello",
            ("client", "mailbox"),
            channel=binary(32),
            device=binary(8),
            nonce=binary(16),
            audience={"type": "string", "pattern": "^[ -~]{1,255}$"},
            proof=binary(64),
            client=_WORD,
            mailbox={"type": "object", "properties": {"cursor": _CURSOR}},
        ),
        "keepalive_request": message("keepalive", ping_seconds={"type": "integer"}),
        "erase": message("erase", ("cursor",), cursor=_CURSOR),
    }


def refusal() -> Json:
    """The body of an HTTP answer instead of 101."""
    return {
        "type": "object",
        "required": ["error", "detail"],
        "properties": {
            "error": {"type": "string", "examples": ["relay_full", "token_required"]},
            "detail": {"type": "string"},
            "supported": {"type": "array", "items": {"type": "integer"}},
        },
        "not": {"required": ["type"]},
    }
