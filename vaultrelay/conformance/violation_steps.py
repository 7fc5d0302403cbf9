"""Steps of a relay that violates the protocol."""

from vaultrelay.conformance import relay_steps
from vaultrelay.conformance.receive_steps import connection_of, receive
from vaultrelay.conformance.stage import Client, Stage, Verbs


async def octets(stage: Stage, client: Client, hex: str) -> None:
    """Send bytes as they are: a frame that RFC 6455 does not permit."""
    connection_of(client).send(bytes.fromhex(hex))


async def violate(stage: Stage, client: Client, text: str) -> None:
    """Send a control message that violates the page, and expect the end of the connection."""
    await relay_steps.text(stage, client, text)
    await receive(stage, client, "end")


VERBS: Verbs = {"octets": octets, "violate": violate}
