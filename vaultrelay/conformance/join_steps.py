"""Steps of the scripted relay before a session: challenge, hello, welcome."""

import json
import secrets
from typing import Any

from vaultrelay.conformance import client_steps, upgrade_steps
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import TEXT, fragments
from vaultrelay.conformance.receive_steps import PEER, connection_of, describe
from vaultrelay.conformance.relay_steps import filled_texts
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire import VERSION, base64url, proof
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.control.mailbox import read_with_mailbox

_SESSION = 7
_CROWD = 100
_LIMITS = {
    "message_bytes": 1048576,
    "messages_per_second": 2000,
    "bytes_per_second": 16777216,
    "channel_devices": 64,
}


async def challenge(
    stage: Stage,
    client: Client,
    *,
    protocol: int = VERSION,
    frames: int = 1,
    nonce_bytes: int = proof.RELAY_NONCE_BYTES,
    more: dict[str, Any] | None = None,
) -> None:
    """Send the challenge, with a nonce of `nonce_bytes`."""
    client.challenge = secrets.token_bytes(nonce_bytes)
    nonce = base64url.encode(client.challenge)
    fields = {"type": "challenge", "protocol": protocol, "nonce": nonce, "relay": "kit/1"}
    _send_text(client, {**fields, **(more or {})}, frames)


async def hello(
    stage: Stage, client: Client, audience: str = "", audiences: tuple[str, ...] = ()
) -> None:
    """Expect the hello, with a valid proof, a nonce of its own, and an audience or one of some."""
    connection = connection_of(client)
    found = await stage.until(client, connection.take, "a hello")
    try:
        said = read_with_mailbox(found.payload) if found.opcode == TEXT else None
    except BrokenRule as error:
        raise Failure("a valid hello", f"{error.sentence}, in {describe(found)}") from None
    if not isinstance(said, Hello):
        raise Failure("a hello", describe(found))
    audience = said.audience if said.audience in audiences else audience
    _check_hello(client, said, audience or next(iter(audiences), client.host))
    client.hello = said


def _check_hello(client: Client, said: Hello, audience: str) -> None:
    wanted = {
        "channel": client.channel.hex(),
        "device": client.device.hex(),
        "audience": audience,
    }
    came = {"channel": said.channel.hex(), "device": said.device.hex(), "audience": said.audience}
    for name, value in wanted.items():
        if came[name] != value:
            raise Failure(f"{name} {value}", f"{name} {came[name]}")
    if said.nonce == client.nonce:
        raise Failure("a nonce that is new in every hello", f"{said.nonce.hex()} again")
    client.nonce = said.nonce
    body = proof.join_body(client.challenge, said.nonce, said.channel, said.device, audience)
    if not proof.verify_join(said.channel, body, said.proof):
        signed = f"{proof.signed(body).hex()}, the signed bytes of the body {body.hex()}"
        raise Failure(f"a signature of {signed}", f"{said.proof.hex()}, which does not verify")


async def welcome(
    stage: Stage,
    client: Client,
    *,
    session: int = _SESSION,
    peers: tuple[int, ...] = (PEER,),
    limits: dict[str, Any] | None = None,
    frames: int = 1,
    bytes: int = 0,
    crowd: int = 0,
    filled: dict[str, int] | None = None,
    **more: Any,
) -> None:
    """Send the welcome, with `crowd` more peers, padded to `bytes` by an unknown field.

    `filled` is as for the step `control`.
    """
    tags = {each: _tag(each) for each in (*peers, *range(_CROWD, _CROWD + crowd))}
    client.session = session
    client.peers = [{"session": each, "device": tag.hex()} for each, tag in tags.items()]
    fields = {
        "type": "welcome",
        "session": session,
        "peers": [{"session": n, "device": base64url.encode(tag)} for n, tag in tags.items()],
        "limits": {**_LIMITS, **(limits or {})},
        "ping_seconds": 50,
        "session_ttl": 3600,
        "notice": None,
        **more,
        **filled_texts(filled),
    }
    if bytes:
        fields["filler"] = ""
        fields["filler"] = "." * (bytes - len(json.dumps(fields)))
    _send_text(client, fields, frames)


def _tag(session: int) -> bytes:
    return session.to_bytes(proof.DEVICE_BYTES, "big")


def _send_text(client: Client, fields: dict[str, Any], frames: int) -> None:
    connection_of(client).send(fragments(TEXT, json.dumps(fields).encode(), frames))


async def greet(stage: Stage, client: Client) -> None:
    """Let the client dial, up to its hello."""
    await client_steps.connect(stage, client)
    await _expect_hello(stage, client)


async def _expect_hello(stage: Stage, client: Client) -> None:
    """Expect a request, accept it, and expect a hello for the challenge."""
    await upgrade_steps.request(stage, client)
    await upgrade_steps.upgrade(stage, client)
    await challenge(stage, client)
    await hello(stage, client)


async def join(stage: Stage, client: Client, **more: Any) -> None:
    """Let the client dial, and take it into its channel."""
    await client_steps.connect(stage, client)
    await admit(stage, client, **more)


async def rejoin(stage: Stage, client: Client, **more: Any) -> None:
    """Expect that the client dials again after its delay, and take it into its channel."""
    await client_steps.reconnects(stage, client)
    await admit(stage, client, **more)


async def admit(stage: Stage, client: Client, **more: Any) -> None:
    """Take a client that dials into its channel; `more` is for the welcome."""
    await _expect_hello(stage, client)
    await welcome(stage, client, **more)
    await client_steps.opened(stage, client)


VERBS: Verbs = {
    "challenge": challenge,
    "hello": hello,
    "welcome": welcome,
    "greet": greet,
    "join": join,
    "rejoin": rejoin,
    "admit": admit,
}
