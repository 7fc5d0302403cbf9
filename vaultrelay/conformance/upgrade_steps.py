"""Steps of the scripted relay at the upgrade: the request, and its answer."""

import json

from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.receive_steps import connection_of
from vaultrelay.conformance.stage import Client, Stage, Verbs
from vaultrelay.wire import VERSION, base64url
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request import Request
from vaultrelay.wire.upgrade import Upgrade, read_upgrade

_VERSION_LINES = ("X-VaultMesh-Protocol:", "Sec-WebSocket-Protocol:")


async def request(
    stage: Stage,
    client: Client,
    *,
    path: str | None = None,
    headers: dict[str, str] | None = None,
    absent: tuple[str, ...] = (),
) -> None:
    """Expect a connection with an upgrade request that has `path` (with its query) and `headers`,
    and none of the headers `absent`."""
    await stage.accept(client)
    found = _request_of(client)
    target = connection_of(client).target
    if path is not None and target != path:
        raise Failure(f"the path {path}", f"the path {target}")
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
    *,
    lower: bool = False,
) -> None:
    """Answer 101 with `version`; 0 omits the version and the subprotocol. `headers` replace others.

    `lower`: the names of headers are in lower case, as some proxies send them.
    """
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
    if lower:
        other[1:] = [f"{name.lower()}:{value}" for name, _, value in map(_split, other[1:])]
    connection_of(client).send("\r\n".join([*other, "", ""]).encode("ascii"))


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


VERBS: Verbs = {
    "request": request,
    "answer": answer,
    "unanswered": unanswered,
    "upgrade": upgrade,
}
