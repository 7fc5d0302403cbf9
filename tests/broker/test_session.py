import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.broker.fakes import Closed, Device, Got, Relay, nack, tag_of
from vaultrelay import __version__
from vaultrelay.broker.deadlines import check_deadlines
from vaultrelay.broker.outbox import Room
from vaultrelay.policy.limits.floods import CONTROLS_BURST, CONTROLS_PER_SECOND
from vaultrelay.policy.limits.memory import SLOW_SECONDS
from vaultrelay.policy.limits.timeouts import PING_SECONDS
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import CONTROL_BYTES
from vaultrelay.wire.control.in_session import LEFT_REASONS, Joined, Keepalive, Left
from vaultrelay.wire.control.joining import Challenge, Peer, Welcome
from vaultrelay.wire.data import EVERYONE, Reason, pack_data

BAD_MESSAGE = "4501 bad_message;rule={}"


@pytest.fixture
def relay() -> Relay:
    return Relay()


# What may be said when.


def test_the_challenge_comes_first_and_nothing_after_it_before_the_hello(relay: Relay) -> None:
    device = relay.connect()
    challenge = device.read()[0]
    assert isinstance(challenge, Challenge)
    assert (challenge.protocol, challenge.relay) == (3, __version__)
    relay.meet(2)[0].send()
    assert device.read() == []


def test_every_connection_is_challenged_with_a_nonce_of_its_own(relay: Relay) -> None:
    nonces = {relay.connect().session.nonce for _ in range(20)}
    assert len(nonces) == 20


def test_a_good_hello_is_answered_by_a_welcome_before_anything_else(relay: Relay) -> None:
    first, second = relay.meet(2)
    device = relay.connect(tag=3)
    device.read()
    device.join()
    message = first.send()
    second.leave()
    welcome, *rest = device.read()
    assert isinstance(welcome, Welcome)
    assert rest == [message, Left(second.number, "closed")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"\xff", "json"),
        (b"[]", "object"),
        (b'"hello"', "object"),
        (b"{}", "type_missing"),
        (b'{"type":3}', "type_type"),
        (b'{"type":"hello"}', "audience_missing"),
        (b'{"type":"poke"}', "unknown_type"),
        (b'{"type":"welcome"}', "unknown_type"),
        (b'{"type":"keepalive"}', "ping_seconds_missing"),
        (b'{"type":"keepalive","ping_seconds":null}', "ping_seconds_type"),
        (b'{"type":"keepalive","ping_seconds":"50"}', "ping_seconds_type"),
        (b'{"type":"keepalive","ping_seconds":true}', "ping_seconds_type"),
        (b'{"type":"keepalive","ping_seconds":50,"ping_seconds":50}', "duplicate_name"),
        (b'{"type":"keepalive","why":"%s"}' % (b"x" * CONTROL_BYTES), "control_size"),
    ],
)
@pytest.mark.parametrize("joined", [False, True], ids=["challenged", "joined"])
def test_bad_control_messages_close_at_any_time(
    relay: Relay, joined: bool, text: bytes, rule: str
) -> None:
    device = relay.join() if joined else relay.connect()
    device.say(text)
    assert device.closed() == BAD_MESSAGE.format(rule)


def test_fields_that_the_relay_does_not_know_are_ignored(relay: Relay) -> None:
    device = relay.connect()
    hello = json.loads(device.hello().encode())
    device.say(json.dumps({**hello, "mood": ["good"]}).encode())
    device.say(json.dumps({"type": "keepalive", **asdict(Keepalive(60)), "why": None}).encode())
    _, welcome, answer = device.read()
    assert isinstance(welcome, Welcome)
    assert answer == Keepalive(60)


def test_keepalive_is_not_legal_before_the_welcome(relay: Relay) -> None:
    device = relay.connect()
    device.say(Keepalive(50))
    assert device.closed() == BAD_MESSAGE.format("keepalive_before_welcome")


@pytest.mark.parametrize("sender", [0, 1, 2])
@pytest.mark.parametrize("to", [1, 2, EVERYONE])
def test_data_is_not_legal_before_the_welcome(relay: Relay, to: int, sender: int) -> None:
    members = relay.meet(2)
    device = relay.connect(tag=3)
    device.session.data_received([pack_data(to, sender, 1, b"ciphertext")])
    assert device.closed() == BAD_MESSAGE.format("data_before_welcome")
    assert [member.read() for member in members] == [[], []]


def test_pings_are_legal_before_the_welcome(relay: Relay) -> None:
    device = relay.connect()
    device.session.ping_received()
    assert device.join().closed() == ""


def test_a_second_hello_is_not_legal(relay: Relay) -> None:
    device = relay.join()
    device.say(device.hello())
    assert device.closed() == BAD_MESSAGE.format("second_hello")


def test_a_hello_after_a_bad_one_is_not_heard(relay: Relay) -> None:
    device = relay.connect()
    device.say(device.hello(relay_nonce=bytes(32)))
    assert device.closed() == "4503 proof;rule=signature"
    device.join()
    assert relay.broker.channels == {}


BAD_HEADERS = {
    "empty": ("data_size", b""),
    "one byte short": ("data_size", pack_data(2, 1, 1, b"")[:15]),
    "kind of a NACK": ("kind", b"\x11\0\0\0" + pack_data(2, 1, 1, b"")[4:]),
    "unknown kind": ("kind", b"\x12\0\0\0" + pack_data(2, 1, 1, b"")[4:]),
    "kind 0": ("kind", b"\0\0\0\0" + pack_data(2, 1, 1, b"")[4:]),
    "flags": ("flags", b"\x10\x01\0\0" + pack_data(2, 1, 1, b"")[4:]),
    "reason": ("reason", b"\x10\0\0\x01" + pack_data(2, 1, 1, b"")[4:]),
    "high byte of reason": ("reason", b"\x10\0\x01\0" + pack_data(2, 1, 1, b"")[4:]),
    "from a peer": ("from", pack_data(EVERYONE, 2, 1, b"")),
    "from a peer to another": ("from", pack_data(3, 2, 1, b"")),
    "from nobody": ("from", pack_data(2, 0, 1, b"")),
    "from everyone": ("from", pack_data(2, EVERYONE, 1, b"")),
    "to itself": ("to", pack_data(1, 1, 1, b"")),
    "to nobody": ("to", pack_data(0, 1, 1, b"")),
}


@pytest.mark.parametrize(("rule", "message"), BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_bad_data_closes_its_sender_and_harms_nobody_else(
    relay: Relay, message: bytes, rule: str
) -> None:
    bad, *others = relay.meet(3)
    bad.session.data_received([message])
    assert bad.closed() == BAD_MESSAGE.format(rule)
    assert [peer.read() for peer in others] == [[Left(bad.number, "closed")]] * 2
    sent = others[0].send()
    assert others[1].read() == [sent]
    assert [peer.closed() for peer in others] == ["", ""]


def test_a_message_without_payload_is_legal(relay: Relay) -> None:
    sender, peer = relay.meet(2)
    message = sender.send(payload=b"")
    assert peer.read() == [message]


# The end of a session.


LEFT_AFTER = {
    CloseCode.RESTART: "draining",
    CloseCode.IDLE: "idle",
    CloseCode.PING_TIMEOUT: "lost",
    CloseCode.SLOW: "slow",
    CloseCode.MEMORY: "slow",
    CloseCode.REPLACED: "replaced",
}


@pytest.mark.parametrize("code", list(CloseCode), ids=lambda code: code.slug)
def test_peers_learn_why_the_relay_closed_a_session(relay: Relay, code: CloseCode) -> None:
    device, peer = relay.meet(2)
    device.session.close(code)
    assert device.closed() == f"{code.number} {code.slug}"
    [left] = peer.read()
    assert left == Left(device.number, LEFT_AFTER.get(code, "closed"))
    assert device.session.left_reason in LEFT_REASONS


@pytest.mark.parametrize(("clean", "reason"), [(True, "closed"), (False, "lost")])
def test_peers_learn_how_a_device_left(relay: Relay, clean: bool, reason: str) -> None:
    device, peer = relay.meet(2)
    device.leave(clean)
    assert peer.read() == [Left(device.number, reason)]
    assert device.closed() == ""


def test_a_close_tells_its_details(relay: Relay) -> None:
    device = relay.join()
    device.session.close(CloseCode.INTERNAL, ref="a1b2c3")
    assert device.closed() == "4008 internal;ref=a1b2c3"


def test_a_session_ends_once(relay: Relay) -> None:
    device, peer = relay.meet(2)
    device.session.close(CloseCode.IDLE)
    device.session.close(CloseCode.SLOW)
    device.leave()
    device.leave(clean=False)
    assert device.read() == [Closed(4001, "idle")]
    assert peer.read() == [Left(device.number, "idle")]
    assert relay.ended == [(device.number, "idle")]
    assert (device.session.close_code, device.session.left_reason) == (CloseCode.IDLE, "idle")


@pytest.mark.parametrize("joined", [False, True], ids=["challenged", "joined"])
def test_nothing_is_heard_of_a_session_that_is_over(relay: Relay, joined: bool) -> None:
    device = relay.join(tag=1) if joined else relay.connect(tag=1)
    message, hello = device.data(), device.hello()
    peer = relay.join(tag=2)
    device.leave()
    device.read()
    peer.read()
    for _ in range(2 * CONTROLS_BURST):
        device.session.ping_received()
    device.session.data_received([message])
    device.session.data_received([b""])
    device.say(hello)
    device.say(Keepalive(20))
    device.say(b"")
    device.session.queue_drained()
    check_deadlines(device.session, relay.clock.seconds() + 10_000)
    assert device.read() == peer.read() == []
    assert (device.closed(), device.pings(), device.outbox.switches) == ("", 0, [])


def test_a_session_tells_how_long_it_lasted(relay: Relay) -> None:
    device = relay.join()
    relay.clock.advance(12.75)
    assert device.session.lasted_seconds == 12


# Floods of control messages.


FLOODS: dict[str, Callable[[Device], None]] = {
    "pings": lambda device: device.session.ping_received(),
    "keepalives": lambda device: device.say(Keepalive(PING_SECONDS)),
}


@pytest.mark.parametrize("say", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_of_control_messages_closes(relay: Relay, say: Callable[[Device], None]) -> None:
    device, peer = relay.meet(2)
    for _ in range(CONTROLS_BURST - 1):  # The hello was one.
        say(device)
    assert device.closed() == ""
    say(device)
    assert device.closed() == "4005 rate;retry=30"
    assert peer.read() == [Left(device.number, "closed")]


def test_a_flood_of_pings_closes_before_the_hello_too(relay: Relay) -> None:
    device = relay.connect()
    for _ in range(CONTROLS_BURST + 1):
        device.session.ping_received()
    assert device.closed() == "4005 rate;retry=30"


def test_a_flood_in_spurts_is_one_too(relay: Relay) -> None:
    device = relay.join()
    for _ in range(CONTROLS_BURST):
        for _ in range(2 * CONTROLS_PER_SECOND):
            device.session.ping_received()
        relay.wait(1)
    assert device.closed() == "4005 rate;retry=30"


def test_control_messages_at_their_rate_are_no_flood(relay: Relay) -> None:
    device = relay.join()
    for _ in range(60):
        for _ in range(CONTROLS_PER_SECOND):
            device.session.ping_received()
        relay.wait(1)
    assert device.closed() == ""


def test_a_burst_of_control_messages_is_forgotten_after_a_while(relay: Relay) -> None:
    device = relay.connect()
    for _ in range(5):
        for _ in range(CONTROLS_BURST):
            device.session.ping_received()
        relay.clock.advance(CONTROLS_BURST / CONTROLS_PER_SECOND)
    assert device.closed() == ""


def test_data_is_no_flood(relay: Relay) -> None:
    sender, _ = relay.meet(2)
    for _ in range(10 * CONTROLS_BURST):
        sender.send()
    assert sender.closed() == ""


# Receivers that do not read at all.


@pytest.mark.parametrize("room", [Room.HIGH, Room.FULL])
def test_a_receiver_whose_queue_stays_full_is_closed_as_slow(relay: Relay, room: Room) -> None:
    sender, slow = relay.meet(2)
    slow.stall(room)
    sender.send()
    relay.wait(SLOW_SECONDS - 1)
    sender.read()
    assert slow.closed() == ""
    relay.wait(1)
    assert slow.closed() == "4004 slow;rule=unread"
    assert slow.outbox.dropped
    assert sender.read() == [Left(slow.number, "slow")]
    assert not sender.paused()
    message = sender.send(to=slow.number)
    assert sender.read() == [nack(message, slow.number, Reason.GONE)]


def test_a_queue_that_empties_in_time_begins_anew(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    for _ in range(4):
        slow.stall()
        sender.send()
        relay.wait(SLOW_SECONDS - 1)
        slow.drain()
    assert slow.closed() == ""


def test_more_messages_give_a_slow_receiver_no_more_time(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    for _ in range(SLOW_SECONDS):
        sender.send()
        relay.wait(1)
    assert slow.closed() == "4004 slow;rule=unread"


def test_a_receiver_that_nobody_sends_to_is_never_slow(relay: Relay) -> None:
    _, slow = relay.meet(2)
    slow.stall()
    relay.wait(2 * SLOW_SECONDS)
    assert slow.closed() == ""


# Presence keeps its order with all of it.


def test_a_device_reads_one_ordered_stream(relay: Relay) -> None:
    [witness] = relay.meet(1)
    device = relay.join(tag=2)
    first = device.send()
    device.leave()
    device = relay.join(tag=2)
    second = device.send()
    missed = witness.send(to=2)
    expected: list[Got] = [
        Joined(Peer(2, tag_of(2))),
        first,
        Left(2, "closed"),
        Joined(Peer(3, tag_of(2))),
        second,
        nack(missed, 2, Reason.GONE),
    ]
    assert witness.read() == expected
