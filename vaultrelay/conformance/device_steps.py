"""Steps for what happens to the device: its network changes, it sleeps, its app is suspended."""

from vaultrelay.conformance import client_steps, join_steps, relay_steps
from vaultrelay.conformance.receive_steps import connection_of
from vaultrelay.conformance.stage import Client, Stage, Verbs

_CLOCK_SECONDS = 0.5


async def network(stage: Stage, client: Client) -> None:
    """Let the network of the device change, or return."""
    await stage.settle()
    await stage.tell("network")


async def wake(stage: Stage, client: Client, slept: float = 0) -> None:
    """Let the device sleep, or the app be suspended, and then wake."""
    await stage.settle()
    await stage.tell("wake", slept=slept)
    for each in stage.clients.values():
        each.delays[-1:] = [delay - slept for delay in each.delays[-1:]]


async def suspend(stage: Stage, client: Client) -> None:
    """Let the system announce that it suspends the app."""
    await stage.settle()
    await stage.tell("suspend")


async def keepalive(stage: Stage, client: Client, ping_seconds: int) -> None:
    """Let the client ask for a ping interval."""
    await stage.ask(client, "keepalive", ping_seconds=ping_seconds)


async def dials(stage: Stage, client: Client, within: float = 0) -> None:
    """Expect that the client dials without a delay, whether it reports an end before or not.

    `within` moves the clock by at most so many seconds, in steps: a client with threads can set its
    timers in between.
    """
    client.connection, client.may_end = None, True
    passed = 0.0
    while passed < within and stage.next_connection() is None:
        await client_steps.clock(stage, client, _CLOCK_SECONDS)
        await stage.pause()
        passed += _CLOCK_SECONDS
    expected = f"a connection within {within:g} seconds" if within else "a connection at once"
    await stage.until(client, stage.next_connection, expected, of="event")


async def moves(stage: Stage, client: Client) -> None:
    """Expect a new connection at once, which replaces the client's own old one."""
    old = connection_of(client)
    await dials(stage, client)
    await join_steps.admit(stage, client)
    if not old.is_over:
        old.close(4509, "replaced")
    await stage.settle()
    await relay_steps.still_there(stage, client)


VERBS: Verbs = {
    "network": network,
    "wake": wake,
    "suspend": suspend,
    "keepalive": keepalive,
    "dials": dials,
    "moves": moves,
}
