"""A client written from `docs/protocol.rst` alone, and what the page promises it of a relay."""

import hashlib
import hmac
import json
import os
import signal
import socket
import struct
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPMessage, parse_headers
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.process.processes import WAIT_SECONDS, running_relay

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "vectors.json").read_text("utf-8")
)
HEADER = struct.Struct(">BBHIII")  # kind, flags, reason, to, from, id
MESSAGE_BYTES = 4096
EVERYONE = 0xFFFFFFFF
DATA, NACK = 0x10, 0x11
GONE = 1
MORE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

# What the page has a client compute.


def base64url(value: bytes) -> str:
    """A byte string in the one spelling that a relay takes."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """The bytes behind a spelling."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def derived(root: bytes, profile: bytes, what: bytes, epoch: int) -> bytes:
    """32 bytes of HKDF-SHA256, which are its first block."""
    info = b"vaultmesh-relay/3 " + what + struct.pack(">I", epoch)
    return hmac.digest(hmac.digest(profile, root, "sha256"), info + b"\x01", "sha256")


def body_of(relay_nonce: bytes, nonce: bytes, channel: bytes, device: bytes, host: str) -> bytes:
    """What a proof is about."""
    name = host.encode()
    return b"\x03" + relay_nonce + nonce + channel + device + bytes([len(name)]) + name


def signed_of(body: bytes) -> bytes:
    """What the channel key signs."""
    return b" " * 64 + b"VaultMesh relay 3 join\x00" + hashlib.sha256(body).digest()


@dataclass
class Identity:
    """A device of a vault."""

    seed: bytes = field(default_factory=lambda: os.urandom(32))
    device: bytes = field(default_factory=lambda: os.urandom(8))

    @property
    def channel(self) -> bytes:
        """Where the devices of this vault meet."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()


def upgrade_head(channel: bytes) -> bytes:
    """The request of an app."""
    key = b64encode(os.urandom(16)).decode()
    return (
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nX-VaultMesh-Protocol: 3\r\n"
        f"X-VaultMesh-Channel: {base64url(channel)}\r\n\r\n"
    ).encode()


def plain_head(path: str) -> bytes:
    """A request that is no upgrade."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Connection:
    """One connection to a relay: HTTP/1.1, RFC 6455 and the protocol on a plain socket."""

    def __init__(self, port: int) -> None:
        self.tcp = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self.stream = self.tcp.makefile("rb")
        self.me = 0
        self.peers: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.tcp.close()

    def request(self, head: bytes) -> tuple[int, HTTPMessage]:
        """Send a request; status and headers of the answer."""
        self.tcp.sendall(head)
        version, status, *_ = self.stream.readline().split()
        assert version == b"HTTP/1.1"
        return int(status), parse_headers(self.stream)

    def get(self, head: bytes) -> tuple[int, HTTPMessage, dict[str, Any]]:
        """Send a request that gets no 101; status, headers and JSON, after which it ends."""
        status, headers = self.request(head)
        body = self.stream.read()
        assert int(headers["Content-Length"]) == len(body)
        return status, headers, json.loads(body)

    def upgrade(self, channel: bytes) -> bytes:
        """Upgrade as an app does; the relay's nonce."""
        status, headers = self.request(upgrade_head(channel))
        assert (status, headers["X-VaultMesh-Protocol"]) == (101, "3")
        return self.challenged()

    def challenged(self) -> bytes:
        """The nonce of the challenge, which comes next."""
        challenge = self.control("challenge")
        nonce = unbase64url(challenge["nonce"])
        assert (challenge["protocol"], len(nonce)) == (3, 32)
        return nonce

    def hello(self, relay_nonce: bytes, identity: Identity, **other: Any) -> None:
        """Answer the challenge, with `other` fields instead of or beside the right ones."""
        nonce, host = os.urandom(16), "127.0.0.1"
        body = body_of(relay_nonce, nonce, identity.channel, identity.device, host)
        proof = Ed25519PrivateKey.from_private_bytes(identity.seed).sign(signed_of(body))
        named = {"channel": identity.channel, "device": identity.device}
        parts = named | {"nonce": nonce, "proof": proof}
        texts = {name: base64url(value) for name, value in parts.items()}
        self.say({"type": "hello", "audience": host} | texts | other)

    def join(self, identity: Identity) -> None:
        """Come to be a session."""
        self.hello(self.upgrade(identity.channel), identity)
        welcome = self.control("welcome")
        self.me = welcome["session"]
        self.peers = {peer["session"]: peer["device"] for peer in welcome["peers"]}

    def send(self, opcode: int, payload: bytes = b"", *, final: bool = True) -> None:
        """Send one frame."""
        size, mask = len(payload), os.urandom(4)
        short, long = (size, b"") if size < 126 else (126, struct.pack(">H", size))
        head = bytes([final << 7 | opcode, 0x80 | short]) + long + mask
        self.tcp.sendall(head + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def say(self, control: dict[str, Any]) -> None:
        """Send a control message."""
        self.send(TEXT, json.dumps(control).encode())

    def data(self, to: int, number: int, payload: bytes) -> bytes:
        """Send a data message; its bytes."""
        message = HEADER.pack(DATA, 0, 0, to, self.me, number) + payload
        self.send(BINARY, message)
        return message

    def exactly(self, size: int) -> bytes:
        """So many bytes of the stream."""
        read = self.stream.read(size)
        assert len(read) == size, "the connection ended"
        return read

    def receive(self) -> tuple[int, bytes]:
        """The next message, pong or close; answers pings."""
        opcode, message = MORE, b""
        while True:
            first, size = self.exactly(2)
            assert not first & 0x70, "an extension that nobody asked for"
            assert size < 127, "masked, or larger than any message here"
            if size == 126:
                (size,) = struct.unpack(">H", self.exactly(2))
            kind, payload = first & 0x0F, self.exactly(size)
            if kind == PING:
                self.send(PONG, payload)
            elif kind >= CLOSE:
                return kind, payload
            else:
                assert (kind == MORE) == bool(opcode), "the frames of one message follow each other"
                opcode, message = opcode or kind, message + payload
                if first & 0x80:
                    return opcode, message

    def control(self, type: str) -> dict[str, Any]:
        """The next message, which is a control message of this type."""
        opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        message: dict[str, Any] = json.loads(payload)
        assert message["type"] == type, message
        return message

    def closed(self) -> tuple[int, str]:
        """The next message, which is a close: code and reason."""
        opcode, payload = self.receive()
        assert opcode == CLOSE, (opcode, payload)
        return int.from_bytes(payload[:2]), payload[2:].decode("ascii")

    def keepalive(self, seconds: int = 50) -> int:
        """Ask for an interval; the one in force, which comes next, so nothing else was waiting."""
        self.say({"type": "keepalive", "ping_seconds": seconds})
        answer = self.control("keepalive")
        assert answer.keys() == {"type", "ping_seconds"}
        return int(answer["ping_seconds"])


# The client against the vectors.


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


# The client with a relay.

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
