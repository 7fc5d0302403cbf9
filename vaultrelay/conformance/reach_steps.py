"""Steps below the protocol: TLS, lines that die, and servers that speak something else."""

from vaultrelay.conformance import client_steps
from vaultrelay.conformance.failure import Failure, Settled
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


async def rejects(stage: Stage, client: Client, url: str) -> None:
    """Expect that the client refuses a URL: in its answer, or by an end without another attempt."""
    if await _accepts(stage, client, url):
        await client_steps.ended(stage, client, "never")


async def dials_or_rejects(stage: Stage, client: Client, url: str) -> None:
    """Expect that the client dials a URL, or refuses it, which settles the case."""
    if await _accepts(stage, client, url):

        def dialled_or_ended() -> bool | None:
            return True if stage.next_connection() or client.events else None

        await stage.until(client, dialled_or_ended, "a connection, or a refusal of the URL")
        if stage.next_connection() is not None:
            return
        await client_steps.ended(stage, client, "never")
    raise Settled


async def _accepts(stage: Stage, client: Client, url: str) -> bool:
    """Let the client dial; return whether its answer is no error."""
    fields = {"url": url, "seed": client.seed.hex(), "device": client.device.hex()}
    here = f"127.0.0.1:{stage.relay.port}"
    return "error" not in await stage.attempt(client, "connect", **fields, dial=here)


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
    "rejects": rejects,
    "dials_or_rejects": dials_or_rejects,
    "server_name": server_name,
}
