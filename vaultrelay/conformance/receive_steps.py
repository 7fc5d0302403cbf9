"""Steps that expect something of a client on its connection."""

from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import BINARY, CLOSE, PING, PONG, TEXT, frame
from vaultrelay.conformance.relay_connection import Received, RelayConnection, keepalive_in
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.data import EVERYONE, HEADER_BYTES, check_data

PEER = 3
"""The session that most messages come from."""


def connection_of(client: Client) -> RelayConnection:
    """Return the client's connection. Raises Failure if it has none."""
    if client.connection is None:
        raise Failure("a connection", "none")
    return client.connection


async def ping(stage: Stage, client: Client) -> None:
    """Send a ping, and expect a pong."""
    connection_of(client).send(frame(PING, b"kit"))
    await receive(stage, client, "pong")


async def echo(stage: Stage, client: Client, payload: str) -> None:
    """Send a ping with a payload, and expect it in a pong. RFC 6455 permits others before it."""
    sent = bytes.fromhex(payload)
    connection_of(client).send(frame(PING, sent))
    while (await next_received(stage, client, "pong", f"a pong with {payload}")).payload != sent:
        pass


async def different_masks(stage: Stage, client: Client) -> None:
    """Expect that no two frames of the connection have the same masking key."""
    keys = [key.hex() for key in connection_of(client).mask_keys]
    if len(set(keys)) < len(keys):
        raise Failure("a masking key of its own for each frame", ", ".join(keys))


async def receive(
    stage: Stage,
    client: Client,
    what: str,
    *,
    to: int | str = PEER,
    payload: str = "",
    code: int | None = None,
    ping_seconds: int | None = None,
    resent: bool = False,
) -> None:
    """Expect `data`, a `keepalive`, a `pong`, a `close`, or the `end` of the connection.

    `resent`: a message that the client sends again by itself; the kit learns its id only here.
    """
    if what == "end":
        await _end(stage, client)
        return
    found = await next_received(stage, client, what)
    asked = keepalive_in(found)
    if what == "data":
        receiver = EVERYONE if to == "everyone" else to
        id, ids = _check_data(client, found, int(receiver), payload), client.sent_ids
        if resent:
            ids.append(id)
        elif id not in ids:
            raise Failure(f"one of the ids {ids} that the client reported", f"the id {id}")
    elif asked is not None and ping_seconds not in (None, asked.ping_seconds):
        raise Failure(f"a keepalive with {ping_seconds}", describe(found))
    elif what == "close" and code is not None:
        _check_code(found, (code,))


async def _end(stage: Stage, client: Client) -> None:
    """Expect the end of the connection, with or without a close, and nothing before it."""
    connection = connection_of(client)

    def over() -> bool | None:
        wrong = [each for each in _unasked(client) if each.opcode != CLOSE]
        return True if connection.is_over or wrong else None

    await stage.until(client, over, "the end of the connection", of="end")
    if unasked := [each for each in _unasked(client) if each.opcode != CLOSE]:
        raise Failure("the end of the connection", describe(unasked[0]))


async def fails(stage: Stage, client: Client, codes: tuple[int, ...] = (1002,)) -> None:
    """Expect that the client fails the connection: with a close of one of these codes, or without a
    close, as some libraries do."""
    await _end(stage, client)
    for each in connection_of(client).received:
        if each.opcode == CLOSE:
            _check_code(each, codes)


def _check_code(close: Received, codes: tuple[int, ...]) -> None:
    came = int.from_bytes(close.payload[:2], "big") if close.payload else 1005
    if came not in codes:
        wanted = " or ".join(map(str, codes))
        raise Failure(f"a close with {wanted}", f"a close with {came}")


def _unasked(client: Client) -> list[Received]:
    """Return what came that no step has taken, without upkeep."""
    received, in_session = connection_of(client).received, client.session > 0
    return [each for each in received if not is_upkeep(each, in_session=in_session)]


async def nothing(stage: Stage, client: Client) -> None:
    """Expect that the client sends nothing else, whether it ends the connection or not."""
    connection = connection_of(client)
    connection.send(frame(PING, b"kit"))

    def is_over() -> bool | None:
        pongs = [each for each in connection.received if each.opcode == PONG]
        return True if connection.is_over or pongs else None

    await stage.until(client, is_over, "a pong or the end of the connection", of="end")
    if unasked := [each for each in _unasked(client) if each.opcode != CLOSE]:
        raise Failure("nothing", describe(unasked[0]))


async def quiet(stage: Stage, client: Client) -> None:
    """Expect that the client has sent nothing else: its pong comes after what it sent before."""
    connection_of(client).send(frame(PING, b"kit"))
    await next_received(stage, client, "pong", "nothing but the answer to a ping")
    await stage.settle()
    if unasked := _unasked(client):
        raise Failure("nothing", describe(unasked[0]))


async def next_received(stage: Stage, client: Client, what: str, expected: str = "") -> Received:
    """Return the next message that is not upkeep, or the upkeep that is expected.

    Raises Failure, with the words `expected`, for another one.
    """
    expected = expected or f"a {what}"
    connection = connection_of(client)

    def first() -> Received | None:
        while (found := connection.take()) is not None:
            is_wanted = _kind_of(found) == what
            if is_wanted or not is_upkeep(found, in_session=client.session > 0):
                return found
        return None

    found = await stage.until(client, first, expected)
    if _kind_of(found) != what:
        raise Failure(expected, describe(found))
    return found


def _kind_of(received: Received) -> str:
    """Return the name that cases have for what came."""
    if keepalive_in(received) is not None:
        return "keepalive"
    return {BINARY: "data", PONG: "pong", CLOSE: "close"}.get(received.opcode, "text")


def is_upkeep(received: Received, *, in_session: bool = True) -> bool:
    """Return whether a client may send this at any time, in a session or before it."""
    is_keepalive = in_session and keepalive_in(received) is not None
    return is_keepalive or received.opcode in (PING, PONG)


def describe(received: Received) -> str:
    """Return a message of a client in words."""
    if received.opcode == TEXT:
        return f"the text {received.payload.decode('utf-8', 'replace')}"
    if received.opcode == CLOSE:
        return f"a close with {int.from_bytes(received.payload[:2], 'big')}"
    return f"the binary message {received.payload[:64].hex()}"


def _check_data(client: Client, found: Received, receiver: int, payload: str) -> int:
    """Return the id of a message, whose receiver and payload are as expected."""
    wanted = f"a message to {receiver} with the payload {payload}"
    try:
        to, id = check_data(found.payload, client.session)
    except BrokenRule as error:
        raise Failure(wanted, error.sentence) from None
    content = found.payload[HEADER_BYTES:].hex()
    if (to, content) != (receiver, payload):
        raise Failure(wanted, f"a message to {to} with the payload {content}")
    return id


VERBS: Verbs = {
    "ping": ping,
    "echo": echo,
    "different_masks": different_masks,
    "receive": receive,
    "fails": fails,
    "quiet": quiet,
    "nothing": nothing,
}
