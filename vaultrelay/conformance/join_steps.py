"""Steps of the scripted relay before a session: the request, the answer, challenge, welcome."""

import json
import secrets
from typing import Any

from vaultrelay.conformance import client_steps
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.frames import TEXT, fragments
from vaultrelay.conformance.receive_steps import PEER, connection_of, describe
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire import VERSION, base64url, proof
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.control.mailbox import read_with_mailbox
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request import Request
from vaultrelay.wire.upgrade import Upgrade, read_upgrade

_SESSION = 7
_CROWD = 100
_LIMITS = {
    "message_bytes": 1048576,
    "messages_per_second": 2000,
    "bytes_per_second": 16777216,
    "channel_devices": 64,
}
_VERSION_LINES = ("X-VaultMesh-Protocol:", "Sec-WebSocket-Protocol:")


async def request(
    stage: Stage,
    client: Client,
    *,
    path: str | None = None,
    headers: dict[str, str] | None = None,
    absent: tuple[str, ...] = (),
) -> None:
    """Expect a connection with an upgrade request, with some headers and without others."""
    await stage.accept(client)
    found = _request_of(client)
    if path is not None and found.path != path:
        raise Failure(f"the path {path}", f"the path {found.path}")
    for name, value in (headers or {}).items():
        if found.header(name.lower()) != value:
            raise Failure(f"{name}: {value}", f"{name}: {found.header(name.lower())}")
    for name in absent:
        if name.lower() in found:
            raise Failure(f"no header {name}", f"{name}: {found.header(name.lower())}")
    upgrade = _upgrade_of(client)
    if upgrade.channel != client.channel:
        named = "none" if upgrade.channel is None else base64url.encode(upgrade.channel)
        wanted = base64url.encode(client.channel)
        raise Failure(f"an upgrade that names the channel {wanted}", named)


def _request_of(client: Client) -> Request:
    found = connection_of(client).request
    if found is None:
        raise Failure("a request", "none")
    return found


def _upgrade_of(client: Client) -> Upgrade:
    try:
        return read_upgrade(_request_of(client))
    except Refusal as refusal:
        raise Failure("a valid upgrade", refusal.detail) from None


async def answer(
    stage: Stage,
    client: Client,
    status: int,
    *,
    error: str = "",
    detail: str = "A sentence for people.",
    body: str = "",
    headers: dict[str, str] | None = None,
) -> None:
    """Answer the request with an HTTP status, and end the connection.

    With `error` it is a refusal of a relay, without one the answer of something else.
    """
    refusal = json.dumps({"error": error, "detail": detail, "later": [1]})
    content = (refusal if error else body).encode()
    lines = [
        f"HTTP/1.1 {status} Answer",
        f"Content-Type: {'application/json' if error else 'text/html'}",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    connection = connection_of(client)
    connection.send("\r\n".join([*lines, "", ""]).encode() + content)
    connection.finish()


async def unanswered(stage: Stage, client: Client) -> None:
    """End the connection without an answer, as a relay does above its limits."""
    connection_of(client).drop()


async def upgrade(
    stage: Stage,
    client: Client,
    version: int = VERSION,
    headers: dict[str, str] | None = None,
) -> None:
    """Answer 101, with another version, or none and no subprotocol for 0; with other headers."""
    other_headers = headers or {}
    lines = _upgrade_of(client).response().decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
    other = [
        line.replace(f": {VERSION}", f": {version}").replace(f".{VERSION}", f".{version}")
        if line.startswith(_VERSION_LINES)
        else line
        for line in lines
        if (version or not line.startswith(_VERSION_LINES))
        and line.partition(":")[0] not in other_headers
    ]
    other += [f"{name}: {value}" for name, value in other_headers.items()]
    connection_of(client).send("\r\n".join([*other, "", ""]).encode("ascii"))


async def challenge(
    stage: Stage,
    client: Client,
    *,
    protocol: int = VERSION,
    frames: int = 1,
    nonce_bytes: int | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    """Send the challenge, with a nonce cut short."""
    client.challenge = secrets.token_bytes(proof.RELAY_NONCE_BYTES)
    nonce = base64url.encode(client.challenge[:nonce_bytes])
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
    **more: Any,
) -> None:
    """Send the welcome, with a crowd of further peers. `bytes` is its size, by an unknown field."""
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
    }
    if bytes:
        fields["filler"] = ""
        fields["filler"] = "." * (bytes - len(json.dumps(fields)))
    _send_text(client, fields, frames)


def _tag(session: int) -> bytes:
    return session.to_bytes(proof.DEVICE_BYTES, "big")


def _send_text(client: Client, fields: dict[str, Any], frames: int) -> None:
    connection_of(client).send(fragments(TEXT, json.dumps(fields).encode(), frames))


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
    await request(stage, client)
    await upgrade(stage, client)
    await challenge(stage, client)
    await hello(stage, client)
    await welcome(stage, client, **more)
    await client_steps.opened(stage, client)


VERBS: Verbs = {
    "request": request,
    "answer": answer,
    "unanswered": unanswered,
    "upgrade": upgrade,
    "challenge": challenge,
    "hello": hello,
    "welcome": welcome,
    "join": join,
    "rejoin": rejoin,
    "admit": admit,
}
