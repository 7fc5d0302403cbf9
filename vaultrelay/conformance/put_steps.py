"""Steps of what a client sends to its mailbox: PUTs with their answers, and `erase`."""

import hmac
from contextlib import suppress
from typing import Any

from vaultrelay.conformance import client_steps
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import BINARY, frame
from vaultrelay.conformance.mail_steps import place, raw
from vaultrelay.conformance.receive_steps import connection_of, describe, next_received
from vaultrelay.conformance.relay_steps import data_message
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.control.mailbox import Erase, read_with_mailbox
from vaultrelay.wire.data import NO_SESSION, Kind
from vaultrelay.wire.mailbox import ITEM_ID_BYTES, KEY_BYTES, NO_KEY, Put, pack_stored, read_put

_TAG_KEY = "73d384e85eebcd4c55e510661391b91bbf40c56dd3888f9017db7f5695e334b6"
"""The device tag key of the first test vector."""
_SHOWN_CHARS = 32


async def put(
    stage: Stage,
    client: Client,
    payload: str = "63697068657274657874",
    *,
    bytes: int = 0,
    ttl: int = 0,
    what: str | None = None,
    tag_key: str = _TAG_KEY,
    key: str = "",
) -> None:
    """Let the client store an item: `payload` in hex, or `bytes` zeros.

    It replaces an older one if it is about the same thing: `what` in hex. `key` is the collapse
    key to expect, if it is not to be computed here.
    """
    more: dict[str, object] = {"bytes": bytes} if bytes else {"payload": payload}
    expected = NO_KEY
    if what is not None:
        more |= {"what": what, "tag_key": tag_key}
        expected = raw(key) or _collapse_key(tag_key, client.device, what)
    if ttl:
        more["ttl"] = ttl
    answer = await stage.ask(client, "put", **more)
    item_id = _item_id(client, answer)
    client.mail.puts.append(Put(0, item_id, expected, ttl, raw(payload, bytes)))


def _collapse_key(tag_key: str, device: bytes, what: str) -> bytes:
    text = b"vaultmesh-relay/3 collapse" + device + bytes.fromhex(what)
    return hmac.digest(bytes.fromhex(tag_key), text, "sha256")[:KEY_BYTES]


def _item_id(client: Client, answer: dict[str, Any]) -> bytes:
    """Return the id in the answer to put. Raises Failure if it is none, or not a new one."""
    wanted = f"an item_id of {ITEM_ID_BYTES} bytes, not all zero and never used before"
    try:
        found = bytes.fromhex(answer.get("item_id", ""))
    except (TypeError, ValueError):
        raise Failure(wanted, f"the answer {answer}") from None
    is_used = found in [each.item_id for each in client.mail.puts]
    if len(found) != ITEM_ID_BYTES or not any(found) or is_used:
        raise Failure(wanted, f"the answer {answer}")
    return found


async def receive_put(stage: Stage, client: Client, put: int = -1) -> None:
    """Expect a PUT: the last one that the client was told to make, or another one."""
    wanted = client.mail.puts[put]
    found = await next_received(stage, client, "data", _shown(wanted))
    try:
        came = read_put(found.payload, client.session)
    except BrokenRule as error:
        raise Failure(_shown(wanted), f"{error.sentence}, in {describe(found)}") from None
    if came._replace(id=0) != wanted._replace(id=0):
        raise Failure(_shown(wanted), _shown(came))
    mail = client.mail
    if mail.connection is not client.connection:
        mail.connection, mail.ids = client.connection, set()
    if came.id in mail.ids:
        raise Failure("an id that no other PUT of the connection has", f"the id {came.id} again")
    mail.ids.add(came.id)
    mail.puts[put] = came
    client.sent_ids.append(came.id)


def _shown(put: Put) -> str:
    payload = put.payload.hex()
    start = payload if len(payload) <= _SHOWN_CHARS else f"{payload[:_SHOWN_CHARS]}…"
    return (
        f"a PUT with the item id {put.item_id.hex()}, the collapse key {put.key.hex()}, the ttl "
        f"{put.ttl}, and {len(put.payload)} bytes {start}"
    )


async def stored(
    stage: Stage,
    client: Client,
    at: str = "zeros",
    *,
    put: int = -1,
    flags: int = 0,
    reported: bool = True,
) -> None:
    """Answer a PUT with a STORED at this cursor, and expect the client to report it."""
    answered = client.mail.puts[put]
    message = pack_stored(client.session, answered.id, answered.item_id, place(at))
    _send(client, message, flags)
    if reported:
        await client_steps.event(stage, client, "stored", item_id=answered.item_id.hex())


async def refuse(
    stage: Stage,
    client: Client,
    reason: int,
    *,
    put: int = -1,
    flags: int = 0,
    reported: bool = True,
) -> None:
    """Answer a PUT with a NACK, and expect the client to report it."""
    answered = client.mail.puts[put]
    numbers = (client.session, NO_SESSION, answered.id)
    _send(client, data_message(Kind.NACK, 0, reason, numbers), flags)
    if reported:
        await refused(stage, client, reason, put=put)


def _send(client: Client, message: bytes, flags: int) -> None:
    """Send a data message, with other flags than 0."""
    with_flags = message[:1] + bytes((flags,)) + message[2:]
    connection_of(client).send(frame(BINARY, with_flags))


async def refused(stage: Stage, client: Client, reason: int, put: int = -1) -> None:
    """Expect the client to report that a PUT is refused."""
    item_id = client.mail.puts[put].item_id.hex()
    await client_steps.event(stage, client, "refused", item_id=item_id, reason=reason)


async def erase(stage: Stage, client: Client, upto: str = "") -> None:
    """Let the client erase the items up to this cursor, or all of them, and expect its `erase`."""
    await stage.ask(client, "erase", **_upto(upto))
    wanted = f"an erase {f'up to {place(upto).hex()}' if upto else 'without a cursor'}"
    found = await next_received(stage, client, "text", wanted)
    try:
        came = read_with_mailbox(found.payload)
    except BrokenRule as error:
        raise Failure(wanted, f"{error.sentence}, in {describe(found)}") from None
    if came != Erase(place(upto) or None):
        raise Failure(wanted, describe(found))


async def erase_in_vain(stage: Stage, client: Client) -> None:
    """Let the client erase all items without a mailbox: with an error, or without an effect."""
    with suppress(Failure):
        await stage.ask(client, "erase")


def _upto(cursor: str) -> dict[str, str]:
    return {"cursor": place(cursor).hex()} if cursor else {}


VERBS: Verbs = {
    "put": put,
    "receive_put": receive_put,
    "stored": stored,
    "refuse": refuse,
    "refused": refused,
    "erase": erase,
    "erase_in_vain": erase_in_vain,
}
