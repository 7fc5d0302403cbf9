"""Steps below the protocol: TLS, lines that die, and servers that speak something else."""

from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.receive_steps import connection_of
from vaultrelay.conformance.relay_connection import RelayConnection
from vaultrelay.conformance.relay_tls import context_of
from vaultrelay.conformance.stage import Client, Stage, Verbs


async def secure(
    stage: Stage, client: Client, certificate: str = "valid", version: str = "1.3"
) -> None:
    """Speak TLS up to a version, with one of the certificates in `cases`."""
    stage.relay.context = context_of(certificate, version)


async def accepted(stage: Stage, client: Client) -> None:
    """Expect a connection and some bytes, whatever they are."""

    def next_bytes() -> RelayConnection | None:
        found = stage.next_connection()
        return found if found and found.bytes_received else None

    await stage.take(client, next_bytes, "a connection")


async def raw(stage: Stage, client: Client, *, text: str = "", octets: str = "") -> None:
    """Send text or bytes in hex as they are, and end the connection."""
    connection_of(client).send(text.encode() + bytes.fromhex(octets))
    connection_of(client).finish()


async def mute(stage: Stage, client: Client) -> None:
    """Answer nothing from now on, neither pings nor keepalives nor a close."""
    connection_of(client).is_mute = True


async def server_name(stage: Stage, client: Client) -> None:
    """Expect that the client named the host in its TLS handshake."""
    found = connection_of(client).server_name
    if found != client.host:
        raise Failure(f"the server name {client.host} in the TLS handshake", found or "none")


VERBS: Verbs = {
    "secure": secure,
    "accepted": accepted,
    "raw": raw,
    "mute": mute,
    "server_name": server_name,
}
