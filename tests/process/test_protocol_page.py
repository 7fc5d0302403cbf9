"""What `docs/protocol.rst` promises of a relay, to a client that was written from it alone."""

import hmac
import json
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.process.page_client import (
    BINARY,
    CLOSE,
    DATA,
    EVERYONE,
    GONE,
    HEADER,
    MORE,
    NACK,
    PING,
    PONG,
    TEXT,
    Connection,
    Identity,
    base64url,
    body_of,
    derived,
    plain_head,
    signed_of,
    upgrade_head,
)
from tests.process.processes import WAIT_SECONDS, running_relay

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "vectors.json").read_text("utf-8")
)
MESSAGE_BYTES = 4096


def each(*names: str) -> pytest.MarkDecorator:
    """A test for each vector of these names."""
    vectors = [vector for name in names for vector in VECTORS[name]]
    return pytest.mark.parametrize("vector", vectors, ids=lambda v: v.get("name") or v["why"])


@each("derivations")
def test_channel_and_device_tag_are_derived_from_the_vault(vector: dict[str, Any]) -> None:
    root, profile = bytes.fromhex(vector["relay_root"]), bytes.fromhex(vector["profile_id"])
    seed = derived(root, profile, b"channel", vector["epoch"])
    tag_key = derived(root, profile, b"device-tag", vector["epoch"])
    tag = hmac.digest(tag_key, bytes.fromhex(vector["device_public_key"]), "sha256")[:8]
    assert (seed.hex(), Identity(seed).channel.hex()) == (vector["channel_seed"], vector["channel"])
    assert (tag_key.hex(), tag.hex()) == (vector["device_tag_key"], vector["device"])


@each("joins")
def test_a_proof_is_made_byte_for_byte(vector: dict[str, Any]) -> None:
    names = ("relay_nonce", "device_nonce", "channel", "device")
    relay_nonce, nonce, channel, device = (bytes.fromhex(vector[name]) for name in names)
    body = body_of(relay_nonce, nonce, channel, device, vector["audience"])
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["channel_seed"]))
    proof = key.sign(signed_of(body))
    assert (body.hex(), signed_of(body).hex()) == (vector["body"], vector["signed"])
    assert proof.hex() == vector["proof"]
    assert json.loads(vector["hello"])["proof"] == base64url(proof)


@each("data", "nacks")
def test_the_header_of_a_data_message_is_written_and_read(vector: dict[str, Any]) -> None:
    fields = tuple(vector[name] for name in ("kind", "flags", "reason", "to", "from", "id"))
    message = bytes.fromhex(vector["hex"])
    assert (HEADER.pack(*fields), HEADER.unpack(message[:16])) == (message[:16], fields)
    assert message[16:].hex() == vector.get("payload", "")


Dial = Callable[..., Connection]
Pair = tuple[Connection, Connection]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of the relay that all tests but the last share."""
    names = ("--public-url", "wss://127.0.0.1", "--public-url", "wss://relay.example.org")
    with running_relay("--message-bytes", str(MESSAGE_BYTES), *names) as running:
        yield running.port


@pytest.fixture
def dial(port: int) -> Iterator[Dial]:
    """Opens connections, which end with the test; with an identity they have joined."""
    with ExitStack() as stack:

        def dialled(identity: Identity | None = None) -> Connection:
            connection = stack.enter_context(Connection(port))
            if identity:
                connection.join(identity)
            return connection

        yield dialled


@pytest.fixture
def pair(dial: Dial) -> Pair:
    """Two devices in a channel that know of each other."""
    identity = Identity()
    first, second = dial(identity), dial(Identity(identity.seed))
    assert first.control("joined")["session"] == second.me
    return first, second


@each("accepted_upgrades")
def test_an_upgrade_agrees_on_version_subprotocol_and_channel(
    dial: Dial, vector: dict[str, Any]
) -> None:
    connection, other = dial(), dial()
    for connected in (connection, other):
        status, headers = connected.request(vector["head"].encode("latin-1"))
        assert (status, headers["X-VaultMesh-Protocol"]) == (101, str(vector["protocol"]))
        assert headers["Sec-WebSocket-Protocol"] == vector["subprotocol"]
        assert headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert headers["Sec-WebSocket-Extensions"] is None
    identity = Identity(bytes.fromhex(VECTORS["joins"][0]["channel_seed"]))
    connection.hello(connection.challenged(), identity, client="page/1", unknown=["field"])
    welcome = connection.control("welcome")
    assert welcome["limits"]["message_bytes"] == MESSAGE_BYTES
    assert {"session", "peers", "ping_seconds", "session_ttl", "notice"} < welcome.keys()
    other.hello(other.challenged(), Identity())
    if vector["channel"]:
        assert other.closed() == (4501, "bad_message;rule=other_channel"), (
            "not the channel of the upgrade"
        )
    else:
        assert other.control("welcome")["session"] == 1, "the first of its channel"


LONG = {"head": upgrade_head(bytes(8192)).decode(), "status": 431, "error": "head_too_large"}


@pytest.mark.parametrize(
    "vector", [*VECTORS["refused_upgrades"], LONG], ids=lambda v: v.get("why", "a long head")
)
def test_a_refusal_says_why_in_json(dial: Dial, vector: dict[str, Any]) -> None:
    status, headers, said = dial().get(vector["head"].encode("latin-1"))
    assert (status, said["error"]) == (vector["status"], vector["error"])
    assert said.pop("detail"), "words for people"
    (refusal,) = (r for r in VECTORS["refusals"] if r["body"]["error"] == vector["error"])
    assert said == refusal["body"]
    assert all(value in headers.get_all(name, []) for name, value in refusal["headers"].items())


@pytest.mark.parametrize(
    ("wrong", "close"),
    [
        ({"proof": base64url(bytes(64))}, (4503, "proof;rule=signature")),
        ({"nonce": base64url(bytes(16))}, (4503, "proof;rule=signature")),
        ({"device": base64url(bytes(8))}, (4503, "proof;rule=signature")),
        ({"audience": "relay.example.org"}, (4503, "proof;rule=signature")),
        ({"audience": "relay.example.net"}, (4504, "audience;rule=other_audience")),
        ({"audience": "Relay.example.org"}, (4504, "audience;rule=audience_spelling")),
        ({"channel": base64url(Identity().channel)}, (4501, "bad_message;rule=other_channel")),
        (
            {"type": "keepalive", "ping_seconds": 50},
            (4501, "bad_message;rule=keepalive_before_welcome"),
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value[0]),
)
def test_a_wrong_hello_closes(dial: Dial, wrong: dict[str, Any], close: tuple[int, str]) -> None:
    connection, identity = dial(), Identity()
    connection.hello(connection.upgrade(identity.channel), identity, **wrong)
    assert connection.closed() == close


@pytest.mark.parametrize("asked", [{}, {"cursor": base64url(bytes(16))}, {"cursor": 5}, None])
def test_a_relay_without_a_mailbox_ignores_that_a_device_asks_for_one(
    dial: Dial, asked: object
) -> None:
    connection, identity = dial(), Identity()
    connection.hello(connection.upgrade(identity.channel), identity, mailbox=asked)
    assert "mailbox" not in connection.control("welcome")
    connection.keepalive()


@each("refused_device_controls")
def test_a_control_message_that_the_page_does_not_allow_closes(
    dial: Dial, vector: dict[str, Any]
) -> None:
    connection = dial()
    if '"hello"' in vector["text"]:
        connection.upgrade(bytes.fromhex(VECTORS["joins"][0]["channel"]))
    else:
        connection.join(Identity())
    connection.send(TEXT, vector["text"].encode())
    assert connection.closed() == (4501, f"bad_message;rule={vector['rule']}")


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 20), (19, 20), (20, 20), (77, 77), (600, 600), (601, 600)]
)
def test_keepalive_answers_with_the_interval_in_force(dial: Dial, asked: int, given: int) -> None:
    assert dial(Identity()).keepalive(asked) == given


def test_data_arrives_as_sent_at_one_peer_or_at_all(dial: Dial, pair: Pair) -> None:
    first, second = pair
    stranger = dial(Identity())
    one = [first.data(second.me, number, b"ciphertext") for number in range(9)]
    everyone = second.data(EVERYONE, 0xFFFFFFFF, bytes(MESSAGE_BYTES - 16))
    stranger.data(EVERYONE, 1, b"")
    assert [second.receive() for _ in one] == [(BINARY, message) for message in one]
    assert first.receive() == (BINARY, everyone)
    for connection in (first, second, stranger):
        connection.keepalive()


def test_a_message_in_frames_arrives_whole_and_a_ping_between_them_is_answered(pair: Pair) -> None:
    first, second = pair
    message = HEADER.pack(DATA, 0, 0, second.me, first.me, 1) + b"ciphertext"
    first.send(BINARY, message[:9], final=False)
    first.send(PING, b"between")
    first.send(MORE, b"", final=False)
    first.send(MORE, message[9:])
    assert first.receive() == (PONG, b"between")
    assert second.receive() == (BINARY, message)


@pytest.mark.parametrize("reason", ["closed", "lost"])
def test_a_peer_that_left_is_named_and_gives_nack_gone(pair: Pair, reason: str) -> None:
    first, second = pair
    assert second.peers.keys() == {first.me}
    if reason == "closed":
        second.send(CLOSE, struct.pack(">H", 1000))
        assert second.closed()[0] == 1000
        assert second.stream.read() == b""
    else:
        second.tcp.shutdown(socket.SHUT_RDWR)
    assert first.control("left") == {"type": "left", "session": second.me, "reason": reason}
    first.data(second.me, 41, b"late")
    nack = HEADER.pack(NACK, 0, GONE, first.me, second.me, 41)
    assert first.receive() == (BINARY, nack)


def test_a_device_that_joins_again_replaces_itself(dial: Dial) -> None:
    identity = Identity()
    peer, old = dial(Identity(identity.seed)), dial(identity)
    joined = {"type": "joined", "session": old.me, "device": base64url(identity.device)}
    assert peer.control("joined") == joined
    new = dial(identity)
    assert old.closed() == (4509, "replaced")
    assert new.peers.keys() == {peer.me}
    assert peer.control("left") == {"type": "left", "session": old.me, "reason": "replaced"}
    assert peer.control("joined") == joined | {"session": new.me}


@each("refused_data")
def test_data_that_a_session_may_not_send_closes(pair: Pair, vector: dict[str, Any]) -> None:
    first, second = pair
    mine, peer = f"{first.me:08x}", f"{second.me:08x}"
    text = vector["hex"].replace("00000007", mine).replace("00000008", peer)
    first.send(BINARY, bytes.fromhex(text))
    assert first.closed() == (4501, f"bad_message;rule={vector['rule']}")
    assert second.control("left")["reason"] == "closed"


@pytest.mark.parametrize(
    ("frames", "code", "reason"),
    [
        pytest.param(b"\x82\xfe\x10\x01ABCD", 4502, "too_big;limit=4096", id="too big"),
        pytest.param(
            b"\x02\x81\0\0\0\0A\x80\xfe\x10\0ABCD", 4502, "too_big;limit=4096", id="too big in two"
        ),
        pytest.param(
            b"\x81\xfe\x10\x01ABCD", 4501, "bad_message;rule=control_size", id="a control message"
        ),
        pytest.param(b"\x81\x02{}", 1002, "", id="unmasked"),
        pytest.param(b"\xc1\x82\0\0\0\0{}", 1002, "", id="compressed"),
        pytest.param(b"\x81\x81\0\0\0\0\xff", 1007, "", id="not UTF-8"),
    ],
)
def test_a_frame_that_is_not_allowed_closes_even_before_it_is_whole(
    dial: Dial, frames: bytes, code: int, reason: str
) -> None:
    connection = dial(Identity())
    connection.tcp.sendall(frames)
    closed = connection.closed()
    assert closed[0] == code
    assert closed[1] == reason or not reason, "RFC 6455 leaves the words of its codes open"


def test_pings_are_answered_until_they_are_too_many(dial: Dial) -> None:
    connection = dial(Identity())
    for number in range(60):
        connection.send(PING, bytes([number]))
    pongs = list(iter(connection.receive, (CLOSE, struct.pack(">H", 4005) + b"rate;retry=30")))
    assert pongs == [(PONG, bytes([number])) for number in range(len(pongs))]
    assert len(pongs) >= 29, "30 at once, and the hello was one"


def test_health_and_ready_answer(dial: Dial) -> None:
    status, _, health = dial().get(plain_head("/health"))
    assert (status, health["status"]) == (200, "ok")
    assert health.keys() >= {"version", "connections", "uptime_seconds"}
    assert dial().request(plain_head("/ready"))[0] == 200


def test_a_relay_that_stops_tells_its_devices_and_lets_them_finish() -> None:
    with running_relay("--drain-seconds", "2") as running, ExitStack() as stack:

        def dial() -> Connection:
            return stack.enter_context(Connection(running.port))

        identity, first, second, waiting = Identity(), dial(), dial(), dial()
        first.join(identity)
        second.join(Identity(identity.seed))
        assert first.control("joined")
        waiting.upgrade(identity.channel)

        running.process.send_signal(signal.SIGTERM)
        announced = first.control("draining")
        assert announced == second.control("draining")
        assert announced["closes_in"] == 2
        assert announced["reconnect"] == sorted(announced["reconnect"])
        assert waiting.closed() == (4000, "restart")
        status, headers, said = dial().get(upgrade_head(Identity().channel))
        assert (status, said["error"], headers["Retry-After"]) == (503, "draining", "5")
        assert dial().get(plain_head("/health"))[2]["status"] == "draining"
        assert dial().request(plain_head("/ready"))[0] == 503
        late = first.data(second.me, 1, b"late")
        assert second.receive() == (BINARY, late)

        # Both have their turn at the same moment.
        assert first.closed() == (4000, "restart")
        left = json.loads(second.receive()[1])
        assert left == {"type": "left", "session": first.me, "reason": "draining"}
        assert second.closed() == (4000, "restart")
        for connection in (first, second, waiting):
            connection.send(CLOSE, struct.pack(">H", 4000))
        running.process.communicate(timeout=WAIT_SECONDS)
        assert running.process.returncode == 0
