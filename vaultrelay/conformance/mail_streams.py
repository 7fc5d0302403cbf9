"""Steps that play the streams of the test vectors: what a relay with a mailbox sends a device."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from vaultrelay.wire import base64url
from vaultrelay.wire.control import CURSOR_BYTES
from vaultrelay.wire.mailbox import ITEM_HEADER_BYTES, MailboxKind

Step: TypeAlias = dict[str, dict[str, Any]]
Vector: TypeAlias = Mapping[str, Any]
_STATES = ("open", "live", "away", "room")
_ID, _CURSOR = slice(16, 32), slice(32, ITEM_HEADER_BYTES)


def stream_steps(vector: Vector) -> list[Step]:
    """Return the steps of a stream. Client `a` gets it in one connection. Client `b`
    connects anew after each message, and names the cursor in its hello."""
    messages, own = vector["messages"], _own_item(vector)
    whole, pieces = _begin(vector["cursor"], "a"), _begin(vector["cursor"], "b")
    state = ""
    for message in messages:
        whole += _message(message, "a", own)
        state = _state_after(message, state)
        again = {"client": "b", "cursor": message["cursor"] or ""}
        pieces += [*_message(message, "b", own), {"mail_again": again}]
        pieces += _resumed(state, message, "b")
    whole += [{"mail_again": {"cursor": messages[-1]["cursor"] or ""}}, {"mail_leave": {}}]
    return whole + pieces


def reported(fields: Vector, *, client: str = "a", synchronize: bool | None = None) -> list[Step]:
    """Return the step that expects the event of a control message, if it has one."""
    if fields["type"] == "erased":
        return [_event(client, "erased", cursor=fields["cursor"])]
    state = fields["state"]
    if state not in _STATES:
        return []
    gap = {"gap": fields["gap"]} if state == "open" else {}
    must = bool(fields.get("gap")) if synchronize is None else synchronize
    return [_event(client, "mailbox", state=state, synchronize=must, **gap)]


def _event(client: str, event: str, **fields: Any) -> Step:
    return {"event": {"client": client, "event": event, **fields}}


def _own_item(vector: Vector) -> str:
    """Return the id of the item that the device itself stores; empty if it stores none."""
    data = [bytes.fromhex(each.get("hex", "")) for each in vector["messages"]]
    return next((each[_ID].hex() for each in data if each[:1] == bytes([MailboxKind.STORED])), "")


def _begin(cursor: str | None, client: str) -> list[Step]:
    """Return the steps that give a client its first cursor."""
    target = {"client": client}
    steps: list[Step] = [{"mail_join": target}]
    if cursor is not None:
        steps += [{"live": {**target, "at": cursor}}, {"mail_again": {**target, "cursor": cursor}}]
    return steps


def _message(message: Vector, client: str, own: str) -> list[Step]:
    """Return the steps that send a message, and expect what it causes."""
    target = {"client": client}
    if "text" in message:
        fields = json.loads(message["text"])
        if fields["type"] == "erased":
            fields["cursor"] = base64url.decode(fields["cursor"], CURSOR_BYTES).hex()
        sent: Step = {"text": {**target, "raw": message["text"]}}
        return [sent, *reported(fields, client=client, synchronize=message["synchronize"])]
    data = bytes.fromhex(message["hex"])
    cursor, item_id = data[_CURSOR].hex(), data[_ID].hex()
    if data[0] == MailboxKind.STORED:
        return [{"put": target}, {"receive_put": target}, {"stored": {**target, "at": cursor}}]
    known = {"id": "own", "new": False} if item_id == own else {"id": item_id}
    payload = data[ITEM_HEADER_BYTES:].hex()
    return [{"item": {**target, "at": cursor, "payload": payload, **known}}]


def _state_after(message: Vector, state: str) -> str:
    """Return the state of a stream after a message: open, live or away."""
    now = json.loads(message.get("text", "{}")).get("state", state)
    return state if now == "room" else str(now)


def _resumed(state: str, message: Vector, client: str) -> list[Step]:
    """Return the steps that bring a stream to its state again, in a new connection."""
    cursor = message["cursor"] and base64url.encode(bytes.fromhex(message["cursor"]))
    told: list[dict[str, Any]] = []
    if state in ("open", "live"):
        told.append({"type": "mailbox", "state": "open", "gap": None})
    if state == "live":
        told.append({"type": "mailbox", "state": "live", "cursor": cursor})
    texts = ({"text": json.dumps(each), "synchronize": message["synchronize"]} for each in told)
    return [step for text in texts for step in _message(text, client, "")]
