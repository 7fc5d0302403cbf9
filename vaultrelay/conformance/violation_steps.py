"""Steps of a relay that violates the protocol."""

from vaultrelay.conformance import client_steps, relay_steps
from vaultrelay.conformance.failure import Failure, as_json
from vaultrelay.conformance.receive_steps import connection_of, receive
from vaultrelay.conformance.stage import Client, Stage, Verbs


async def octets(stage: Stage, client: Client, hex: str, zeros: int = 0) -> None:
    """Send raw bytes, then zeros: a frame that RFC 6455 does not permit."""
    connection_of(client).send(bytes.fromhex(hex) + bytes(zeros))


async def violate(stage: Stage, client: Client, text: str) -> None:
    """Send a control message that violates the page, and expect the end of the connection."""
    await relay_steps.text(stage, client, text)
    await receive(stage, client, "end")


async def cuts(
    stage: Stage, client: Client, event: str, field: str, longest: int, shortest: int = 0
) -> None:
    """Expect an event. Its `field` has at least `shortest` and at most `longest` code points.

    If `shortest` is 0, the client may end the connection instead.
    """
    found = await client_steps.next_event(stage, client, {"event": event})
    text = found.get(field)
    if found["event"] == "ended" and not shortest:
        return
    if found["event"] == event and isinstance(text, str) and shortest <= len(text) <= longest:
        return
    expected = f"the event {event} with {shortest} to {longest} characters of {field}"
    raise Failure(expected, f"the event {as_json(found)}")


VERBS: Verbs = {"octets": octets, "violate": violate, "cuts": cuts}
