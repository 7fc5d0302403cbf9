"""Steps on the client's side: commands to the adapter, and the events that it reports."""

from typing import Any

from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire.data import EVERYONE

_MARGIN = 0.05
"""Seconds before and after the moment at which a client may reconnect."""


async def connect(
    stage: Stage,
    client: Client,
    *,
    url: str = "",
    user: str = "",
    path: str = "",
    closed: bool = False,
    mailbox: bool = False,
) -> None:
    """Let the client dial: a `url` whose host stands for the relay, or the relay itself.

    `closed`: nothing listens there. `mailbox`: the client asks for it.
    """
    here = f"127.0.0.1:{stage.relay.port}"
    if closed:
        await stage.relay.stop_listening()
    client.host = "127.0.0.1"
    more: dict[str, object] = {"dial": here} if url else {}
    if mailbox:
        more["mailbox"] = True
    await stage.ask(
        client,
        "connect",
        url=url or f"ws://{user}{here}{path}",
        seed=client.seed.hex(),
        device=client.device.hex(),
        **more,
    )


async def send(stage: Stage, client: Client, to: int | str = "everyone", **content: object) -> None:
    """Let the client send `payload` in hex, or `count` messages with a payload of `bytes`."""
    number = EVERYONE if to == "everyone" else to
    answer = await stage.ask(client, "send", to=number, **content)
    if type(answer.get("id")) is not int:
        raise Failure("the id of the message in the answer to send", str(answer))
    client.sent_ids.append(answer["id"])


async def close(stage: Stage, client: Client) -> None:
    """Let the client leave."""
    await stage.ask(client, "close")


async def clock(stage: Stage, client: Client, advance: float) -> None:
    """Move the clock of all clients."""
    # What was sent to the client before counts as received before.
    await stage.settle()
    await stage.advance_clock(advance)


async def event(stage: Stage, client: Client, event: str, count: int = 1, **fields: Any) -> None:
    """Expect the next events of the client."""
    for _ in range(count):
        found = await next_event(stage, client, {"event": event, **fields})
        _compare(client, {"event": event, **fields}, found)


async def next_event(stage: Stage, client: Client, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the next event of the client."""

    def first() -> dict[str, Any] | None:
        return client.events.popleft() if client.events else None

    return await stage.until(client, first, f"the event {wanted}", of="event")


def _compare(client: Client, wanted: dict[str, Any], found: dict[str, Any]) -> None:
    if wanted.get("id") == "last":
        wanted = {**wanted, "id": client.sent_ids[-1]}
    for name, value in wanted.items():
        if found.get(name) != value or type(found.get(name)) is not type(value):
            raise Failure(f"the event {wanted}", f"the event {found}")


async def opened(stage: Stage, client: Client, **fields: Any) -> None:
    """Expect the event of the session's begin."""
    await event(stage, client, "open", session=client.session, **fields)


async def ended(
    stage: Stage, client: Client, retry: list[float] | str | None = None, **fields: Any
) -> None:
    """Expect the event of the connection's end, and a delay within `retry`, or "never"."""
    wanted = {"event": "ended", **fields}
    said = "" if retry is None else f", and reconnecting {_in_words(retry)}"
    found = await next_event(stage, client, wanted)
    client.connection = None
    for name, value in wanted.items():
        if found.get(name) != value:
            raise Failure(f"the event {wanted}{said}", f"the event {found}")
    if retry is None:
        return
    delay = found.get("retry", "missing")
    if isinstance(delay, int | float):
        client.delays.append(delay)
    if not _is_within(delay, retry):
        raise Failure(f"the event {wanted}{said}", f"the event {found}")


def _is_within(delay: object, retry: list[float] | str) -> bool:
    """Return whether a delay is a number within a range, or null for "never"."""
    if isinstance(retry, str):
        return delay is None
    return isinstance(delay, int | float) and retry[0] <= delay <= retry[1]


def _in_words(retry: list[float] | str) -> str:
    return retry if isinstance(retry, str) else f"after {retry[0]:g} to {retry[1]:g} seconds"


async def reconnects(stage: Stage, client: Client) -> None:
    """Expect that the client dials again after the delay that it reported, and not earlier."""
    delay = client.delays[-1]
    early = f"no connection before {delay:.1f} seconds"
    if delay > _MARGIN:
        await stage.advance_clock(delay - _MARGIN)
        await stage.settle()
        if stage.next_connection() is not None:
            raise Failure(early, "a connection")
        delay = _MARGIN
    await stage.advance_clock(delay + _MARGIN)
    await stage.until(
        client, stage.next_connection, f"a connection after {client.delays[-1]:.1f} seconds"
    )


async def stays_away(stage: Stage, client: Client, seconds: float = 7200) -> None:
    """Expect that the client does not dial again by itself."""
    await stage.settle()
    await stage.advance_clock(seconds)
    await stage.settle()
    if stage.next_connection() is not None:
        raise Failure(f"no connection within {seconds:g} seconds", "a connection")


async def spread(stage: Stage, client: Client) -> None:
    """Expect that the delays of the case's clients are random."""
    delays = [delay for each in stage.clients.values() for delay in each.delays]
    if len(set(delays)) < len(delays):
        raise Failure("random delays, all different", str([round(each, 3) for each in delays]))


async def different_ids(stage: Stage, client: Client) -> None:
    """Expect that no two messages of the client have the same id."""
    if len(set(client.sent_ids)) < len(client.sent_ids):
        raise Failure("an id of its own for each message", str(client.sent_ids))


VERBS: Verbs = {
    "connect": connect,
    "send": send,
    "close": close,
    "clock": clock,
    "event": event,
    "opened": opened,
    "ended": ended,
    "reconnects": reconnects,
    "stays_away": stays_away,
    "spread": spread,
    "different_ids": different_ids,
}
