"""The step in which two clients send each other much at the same time."""

from vaultrelay.conformance import client_steps
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import BINARY, frame
from vaultrelay.conformance.receive_steps import connection_of, is_upkeep
from vaultrelay.conformance.stage import Client, Stage


async def exchange(stage: Stage, client: Client, peer: str, bytes: int, count: int) -> None:
    """Let both send `count` messages of `bytes`, and expect that all arrive.

    Each is read only while the other one takes what is sent to it, as at a relay.
    """
    pair = (client, stage.client(peer))
    ways = [(pair[0], pair[1]), (pair[1], pair[0])]
    for sender, receiver in ways:
        source, target = connection_of(sender).transport, connection_of(receiver).transport
        target.registerProducer(source, True)
    left = {sender.name: count for sender, _ in ways}
    try:
        for sender, receiver in ways:
            await client_steps.send(stage, sender, to=receiver.session, bytes=bytes, count=count)

        def forward() -> bool | None:
            for sender, receiver in ways:
                left[sender.name] -= _forward(sender, receiver)
            return None if any(each > 0 for each in left.values()) else True

        await stage.until(client, forward, f"{count} messages of {bytes} bytes in each direction")
    except Failure as failure:
        came = " and ".join(f"{count - rest} of {name}" for name, rest in left.items())
        raise Failure(failure.expected, f"{came}; then {failure.came}") from None
    finally:
        for each in pair:
            connection_of(each).transport.unregisterProducer()
    for sender, receiver in ways:
        await client_steps.event(
            stage, receiver, "message", count, bytes=bytes, **{"from": sender.session}
        )


def _forward(sender: Client, receiver: Client) -> int:
    """Forward what came; return the number of messages."""
    connection, count = connection_of(sender), 0
    while (found := connection.take()) is not None:
        if not is_upkeep(found) and found.opcode == BINARY:
            connection_of(receiver).send(frame(BINARY, found.payload))
            count += 1
    return count
