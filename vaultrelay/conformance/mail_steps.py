"""Steps of the mailbox: how a client asks for it, and what the relay sends of it."""

import re
from hashlib import sha256
from typing import Any

from vaultrelay.conformance import client_steps, join_steps, relay_steps
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import BINARY, frame
from vaultrelay.conformance.receive_steps import connection_of, receive
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire import base64url
from vaultrelay.wire.mailbox import NO_CURSOR, pack_item

_LIMITS = {
    "retention": 604800,
    "item_bytes": 65536,
    "channel_bytes": 10485760,
    "channel_items": 10000,
    "window_bytes": 262144,
}
_SHOWN_BYTES = 256
"""Of a payload; of a longer one the client reports the size."""
_ANY_DELAY = (0.0, 90.0)


def place(name: str) -> bytes:
    """Return a cursor or an item id: of 32 hex digits, of "zeros", or of any other name; empty
    without a name."""
    if re.fullmatch("[0-9a-f]{32}", name):
        return bytes.fromhex(name)
    return NO_CURSOR if name == "zeros" else sha256(name.encode()).digest()[:16] if name else b""


def raw(payload: str, size: int = 0) -> bytes:
    """Return a payload: `size` zeros, or these bytes in hex."""
    return bytes(size) or bytes.fromhex(payload)


def content(payload: bytes) -> dict[str, Any]:
    """Return the fields of an event with a payload."""
    short = len(payload) <= _SHOWN_BYTES
    return {"payload": payload.hex()} if short else {"bytes": len(payload)}


async def identity(stage: Stage, client: Client, *, seed: str = "", device: str = "") -> None:
    """Give a client another channel seed or device tag, in hex, for its next connect."""
    client.seed = bytes.fromhex(seed) or client.seed
    client.device = bytes.fromhex(device) or client.device


async def mail_join(stage: Stage, client: Client, **more: Any) -> None:
    """Let the client dial and ask for its mailbox, and take it into its channel."""
    await client_steps.connect(stage, client, mailbox=True)
    await mail_admit(stage, client, **more)


async def mail_again(stage: Stage, client: Client, **more: Any) -> None:
    """End the connection without a close, and take the client again after its delay."""
    connection_of(client).drop()
    await client_steps.ended(stage, client, list(_ANY_DELAY))
    await client_steps.reconnects(stage, client)
    await mail_admit(stage, client, **more)


async def mail_leave(stage: Stage, client: Client) -> None:
    """Let the client leave. What it has stored stays."""
    await client_steps.close(stage, client)
    if client.connection is not None:
        await receive(stage, client, "close")
        await receive(stage, client, "end")
    await stage.settle()
    client.events.clear()


async def mail_restart(stage: Stage, client: Client, **more: Any) -> None:
    """Let the client leave, and start it again."""
    await mail_leave(stage, client)
    await mail_join(stage, client, **more)


async def mail_admit(
    stage: Stage,
    client: Client,
    *,
    cursor: str = "",
    offers: bool = True,
    mailbox: dict[str, int] | None = None,
    **more: Any,
) -> None:
    """Expect a hello that asks for the mailbox, after this cursor, and send the welcome.

    `mailbox` are limits of the mailbox other than the usual ones; `more` is for the welcome.
    """
    offered = {"mailbox": {**_LIMITS, **(mailbox or {})}} if offers else {}
    await join_steps.admit(stage, client, **offered, **more)
    asked = client.hello.mailbox if client.hello else None
    if asked != place(cursor):
        raise Failure(f"a hello with {_named(place(cursor))}", f"one with {_named(asked)}")


def _named(asked: bytes | None) -> str:
    if asked is None:
        return "no field mailbox"
    return f"the cursor {asked.hex()}" if asked else "the mailbox and no cursor"


async def mailbox(
    stage: Stage,
    client: Client,
    state: str,
    *,
    gap: str | None = None,
    cursor: str = "",
    reported: bool = True,
) -> None:
    """Send a state of the mailbox, and expect the client to report it."""
    fields: dict[str, Any] = {}
    if state == "open":
        fields["gap"] = gap
    elif state == "live":
        fields["cursor"] = _text(cursor)
    client.mail.must_synchronize |= gap is not None
    await relay_steps.control(stage, client, type="mailbox", state=state, **fields)
    if reported:
        said: dict[str, Any] = {"gap": gap} if state == "open" else {}
        must = client.mail.must_synchronize
        await client_steps.event(stage, client, "mailbox", state=state, synchronize=must, **said)


def _text(cursor: str) -> str | None:
    return base64url.encode(place(cursor)) if cursor else None


async def live(stage: Stage, client: Client, at: str = "", gap: str | None = None) -> None:
    """Open the mailbox without an item to send, at this cursor."""
    await mailbox(stage, client, "open", gap=gap)
    await mailbox(stage, client, "live", cursor=at)


async def item(
    stage: Stage,
    client: Client,
    at: str,
    *,
    id: str = "",
    payload: str | None = None,
    bytes: int = 0,
    new: bool = True,
    taken: bool = True,
) -> None:
    """Send an ITEM, and expect the client to report it if it is a `new` one, and else nothing.

    `id` is "own" for that of the client's last PUT. The application has `taken` the item then.
    """
    sent = raw(_payload(at) if payload is None else payload, bytes)
    item_id = client.mail.puts[-1].item_id if id == "own" else place(id or f"item at {at}")
    message = pack_item(item_id, place(at), sent)
    connection_of(client).send(frame(BINARY, message))
    if new:
        await _reported(stage, client, item_id, sent, taken=taken)
    else:
        await relay_steps.still_there(stage, client)


async def _reported(
    stage: Stage, client: Client, item_id: bytes, payload: bytes, *, taken: bool
) -> None:
    said = {"item_id": item_id.hex(), **content(payload)}
    await client_steps.event(stage, client, "item", **said)
    if taken:
        await stage.ask(client, "take", item_id=item_id.hex())


async def items(stage: Stage, client: Client, at: list[str]) -> None:
    """Send several ITEMs at once, and expect them in this order."""
    sent = [(place(f"item at {each}"), place(each), raw(_payload(each))) for each in at]
    connection_of(client).send(b"".join(frame(BINARY, pack_item(*each)) for each in sent))
    for item_id, _, payload in sent:
        await _reported(stage, client, item_id, payload, taken=True)


def _payload(at: str) -> str:
    """Return the payload of an item: another one at each place."""
    return place(f"payload at {at}").hex()


async def synchronized(stage: Stage, client: Client) -> None:
    """The application has synchronized with a peer."""
    client.mail.must_synchronize = False
    await stage.ask(client, "synchronized")


async def erased(stage: Stage, client: Client, upto: str = "") -> None:
    """Send `erased`, and expect the client to report it."""
    await relay_steps.control(stage, client, type="erased", cursor=_text(upto))
    cursor = place(upto).hex() if upto else None
    await client_steps.event(stage, client, "erased", cursor=cursor)


async def binary(stage: Stage, client: Client, hex: str) -> None:
    """Send a binary message byte for byte."""
    connection_of(client).send(frame(BINARY, bytes.fromhex(hex)))


VERBS: Verbs = {
    "identity": identity,
    "mail_join": mail_join,
    "mail_again": mail_again,
    "mail_leave": mail_leave,
    "mail_restart": mail_restart,
    "mail_admit": mail_admit,
    "mailbox": mailbox,
    "live": live,
    "item": item,
    "items": items,
    "synchronized": synchronized,
    "erased": erased,
    "binary": binary,
}
