"""Steps on the client's side: commands to the adapter, and the events that it reports."""

from typing import Any

from vaultrelay.conformance.failure import Failure, as_json
from vaultrelay.conformance.limits import MAX_MESSAGE_ID
from vaultrelay.conformance.relay_tls import NAME, trust_root
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
    lookup: str = "",
    tls: bool = False,
    closed: bool = False,
    mailbox: bool = False,
) -> None:
    """Let the client dial: a `url` whose host stands for the relay, or the relay itself.

    `lookup`: a host that the client looks up. `closed`: nothing listens there. With `tls` or after
    `secure` the client dials wss, and gets the root that it is to trust. `mailbox`: it asks for its
    mailbox.
    """
    here = f"127.0.0.1:{stage.relay.port}"
    more: dict[str, object] = {"dial": here} if url else {}
    client.host = "127.0.0.1"
    if closed:
        await stage.relay.refuse()
    if lookup:
        url = f"ws://{lookup}:{stage.relay.port}"
    if tls or stage.relay.context is not None:
        client.host, url = NAME, f"wss://{NAME}:{stage.relay.port}"
        more = {"dial": here, "trust": trust_root()}
    if mailbox:
        more["mailbox"] = True
    url = url or f"ws://{user}{here}{path}"
    key, tag = client.seed.hex(), client.device.hex()
    await stage.ask(client, "connect", url=url, seed=key, device=tag, **more)


async def send(stage: Stage, client: Client, to: int | str = "everyone", **content: object) -> None:
    """Let the client send `payload` in hex, or `count` messages with a payload of `bytes`."""
    number = EVERYONE if to == "everyone" else to
    answer = await stage.ask(client, "send", to=number, **content)
    sent_id = answer.get("id")
    if type(sent_id) is not int or not 0 <= sent_id <= MAX_MESSAGE_ID:
        raise Failure("the id of the message in the answer to send", as_json(answer))
    client.sent_ids.append(sent_id)


async def may_send(
    stage: Stage, client: Client, to: int | str = "everyone", **content: object
) -> None:
    """Let the client send what it may refuse."""
    number = EVERYONE if to == "everyone" else to
    await stage.attempt(client, "send", to=number, **content)


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
    for number in range(count):
        try:
            found = await next_event(stage, client, {"event": event, **fields})
            _compare(client, {"event": event, **fields}, found)
        except Failure as failure:
            if count == 1:
                raise
            came = f"after {number} of them: {failure.came}"
            raise Failure(f"{count} times {failure.expected}", came) from None


async def next_event(stage: Stage, client: Client, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the next event of the client. Keepalives are its own affair, unless one is wanted."""

    passed_over = {"keepalive"} | ({"ended"} if client.may_end else set())

    def first() -> dict[str, Any] | None:
        while client.events:
            found = client.events.popleft()
            if found.get("event") not in passed_over - {wanted["event"]}:
                return found
        return None

    return await stage.until(client, first, f"the event {as_json(wanted)}", of="event")


def _compare(client: Client, wanted: dict[str, Any], found: dict[str, Any]) -> None:
    if "id" in wanted:
        wanted = {**wanted, "id": client.sent_id(wanted["id"])}
    for name, value in wanted.items():
        if found.get(name) != value or type(found.get(name)) is not type(value):
            raise Failure(f"the event {as_json(wanted)}", f"the event {as_json(found)}")


async def opened(stage: Stage, client: Client, **fields: Any) -> None:
    """Expect the event of the session's begin, with the peers of the welcome."""
    said = {"session": client.session, "peers": client.peers, **fields}
    await event(stage, client, "open", **said)


async def ended(
    stage: Stage, client: Client, retry: list[float] | str | None = None, **fields: Any
) -> None:
    """Expect the event of the connection's end, and a delay within `retry`, or "never"."""
    wanted = {"event": "ended", **fields}
    expected = f"the event {as_json(wanted)}{_in_words(retry)}"
    found = await next_event(stage, client, wanted)
    client.connection = None
    for name, value in wanted.items():
        if found.get(name) != value:
            raise Failure(expected, f"the event {as_json(found)}")
    if retry is None:
        return
    delay = found.get("retry", "missing")
    if isinstance(delay, int | float):
        client.delays.append(delay)
    if not _is_within(delay, retry):
        raise Failure(expected, f"the event {as_json(found)}")


def _is_within(delay: object, retry: list[float] | str) -> bool:
    """Return whether a delay is a number within a range, or null for "never"."""
    if isinstance(retry, str):
        return delay is None
    return isinstance(delay, int | float) and retry[0] <= delay <= retry[1]


def _in_words(retry: list[float] | str | None) -> str:
    if retry is None:
        return ""
    if isinstance(retry, str):
        return ', with "retry": null, as it makes no further attempt'
    return f', with "retry" from {retry[0]:g} to {retry[1]:g}'


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
    "may_send": may_send,
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
