"""Steps of the scripted relay in a session: what it sends."""

import json
from typing import Any

from vaultrelay.conformance import client_steps
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import BINARY, PING, TEXT, fragments, frame
from vaultrelay.conformance.receive_steps import PEER, connection_of, ping, receive
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire.data import EVERYONE, Kind, Reason

FILLER = "😀"
_MARK = b"still here"
_PING_SECONDS = 20
_CLOCK_SECONDS = 0.5


def data_message(kind: int, flags: int, reason: int, numbers: tuple[int, int, int]) -> bytes:
    """Return a header of any kind, valid or not; the numbers are to, from and id."""
    words = b"".join(number.to_bytes(4, "big") for number in numbers)
    return bytes((kind, flags)) + reason.to_bytes(2, "big") + words


async def control(
    stage: Stage, client: Client, filled: dict[str, int] | None = None, **fields: Any
) -> None:
    """Send a control message. `filled` adds fields with a text, by the length of the text."""
    message = {**fields, **filled_texts(filled)}
    connection_of(client).send(frame(TEXT, json.dumps(message).encode()))


def filled_texts(lengths: dict[str, int] | None) -> dict[str, str]:
    """Return texts of these lengths in code points. Each code point is two UTF-16 code units."""
    return {name: FILLER * length for name, length in (lengths or {}).items()}


async def text(stage: Stage, client: Client, raw: str, frames: int = 1) -> None:
    """Send a control message byte for byte, in a number of frames."""
    connection_of(client).send(fragments(TEXT, raw.encode(), frames))


async def data(
    stage: Stage,
    client: Client,
    payload: str = "",
    *,
    sender: int = PEER,
    to: int | str = "client",
    id: int = 1,
    kind: int = Kind.DATA,
    flags: int = 0,
    reason: int = 0,
    bytes: int = 0,
    frames: int = 1,
    cut: int | None = None,
    ping_between: bool = False,
) -> None:
    """Send a data message: `payload` in hex or `bytes` zeros, in several frames, or cut short."""
    number = {"client": client.session, "everyone": EVERYONE}.get(str(to), to)
    head = data_message(kind, flags, reason, (int(number), sender, id))
    message = (head + (bytearray(bytes) if bytes else bytearray.fromhex(payload)))[:cut]
    if not ping_between:
        connection_of(client).send(fragments(BINARY, message, frames))
        return
    half = len(message) // 2
    connection_of(client).send(
        frame(BINARY, message[:half], is_last=False) + frame(PING, b"") + frame(0, message[half:])
    )


async def nack(
    stage: Stage,
    client: Client,
    reason: int,
    *,
    peer: int = PEER,
    to: int | None = None,
    id: int | str = "last",
    flags: int = 0,
) -> None:
    """Send a NACK of the client's "first" or "last" message or another one, to the client or to
    another session."""
    receiver = client.session if to is None else to
    head = data_message(Kind.NACK, flags, reason, (receiver, peer, client.sent_id(id)))
    connection_of(client).send(frame(BINARY, head))


async def resends(stage: Stage, client: Client, count: int) -> None:
    """Answer `count` messages to a peer with busy NACKs, and expect all of them again, in order,
    after the peer's ready."""
    payloads = [f"{number:02x}" for number in range(count)]
    for payload in payloads:
        await client_steps.send(stage, client, to=PEER, payload=payload)
        await receive(stage, client, "data", payload=payload)
    for id in tuple(client.sent_ids):
        await nack(stage, client, Reason.BUSY, id=id)
        expected = {"peer": PEER, "reason": Reason.BUSY.value, "id": id}
        await client_steps.event(stage, client, "nack", **expected)
    await control(stage, client, type="ready", session=PEER)
    await client_steps.event(stage, client, "ready", session=PEER)
    for payload in payloads:
        await receive(stage, client, "data", payload=payload, resent=True)


async def shut(stage: Stage, client: Client, code: int, reason: str = "") -> None:
    """Send a close, without a code for 0; the client's answer ends the connection."""
    connection_of(client).close(code, reason)


async def drop(stage: Stage, client: Client) -> None:
    """End the connection without a close."""
    connection_of(client).drop()


async def still_there(stage: Stage, client: Client) -> None:
    """Expect that the client still listens, and reported nothing of what came before."""
    await data(stage, client, _MARK.hex())
    await client_steps.event(stage, client, "message", payload=_MARK.hex(), **{"from": PEER})


async def alive(stage: Stage, client: Client) -> None:
    """Expect that the client still listens, whatever it reported before."""
    await ping(stage, client)
    await stage.poll()
    client.events.clear()
    await still_there(stage, client)


async def lasts(stage: Stage, client: Client, seconds: float, every: float = _PING_SECONDS) -> None:
    """Let the session go on for a time, with a ping now and then."""
    while seconds > 0:
        await ping(stage, client)
        await client_steps.clock(stage, client, min(seconds, every))
        seconds -= every


async def expires(stage: Stage, client: Client, after: float, before: float) -> None:
    """Expect that the client ends the connection when so much time has passed, in seconds.

    The clock moves in steps that are shorter than any delay: a client whose clock goes from timer
    to timer would otherwise be connected again.
    """
    await client_steps.clock(stage, client, after)
    await stage.pause()
    if client.has_ended:
        raise Failure(f"a connection that lasts {after:g} seconds", client.describe())
    passed = after
    while passed < before and not client.has_ended:
        await client_steps.clock(stage, client, _CLOCK_SECONDS)
        await stage.pause()
        passed += _CLOCK_SECONDS
    if not client.has_ended:
        raise Failure(f"the end of the connection within {before:g} seconds", client.describe())


async def slowly(
    stage: Stage, client: Client, bytes: int, pieces: int, every: float, id: int = 1
) -> None:
    """Send one message in pieces; `every` seconds pass on the clients' clock between them."""
    head = data_message(Kind.DATA, 0, 0, (client.session, PEER, id))
    whole = frame(BINARY, head + bytearray(bytes))
    size = -(-len(whole) // pieces)
    for start in range(0, len(whole), size):
        connection_of(client).send(whole[start : start + size])
        await client_steps.clock(stage, client, every)


VERBS: Verbs = {
    "control": control,
    "text": text,
    "data": data,
    "nack": nack,
    "resends": resends,
    "shut": shut,
    "drop": drop,
    "still_there": still_there,
    "alive": alive,
    "lasts": lasts,
    "slowly": slowly,
    "expires": expires,
}
