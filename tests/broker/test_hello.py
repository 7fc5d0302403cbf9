"""The answers to a hello: the welcome, and the refusals in their order."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.broker.fakes import HOST, Closed, Device, Relay, tag_of
from vaultrelay.policy.limits.timeouts import PING_SECONDS
from vaultrelay.wire import proof
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.control.joining import Hello, Peer, Welcome

PROOF_FAILED = [Closed(4503, "proof;rule=signature")]
OTHER_CHANNEL = "4501 bad_message;rule=other_channel"
FORGED = [Closed(4503, "proof;rule=channel_key")]


# The welcome.


@pytest.mark.parametrize("rates", [(2000, 16_000_000), (0, 0)], ids=["rates", "no rates"])
def test_a_welcome_announces_every_limit(rates: tuple[int, int]) -> None:
    relay = Relay(
        message_bytes=65536,
        messages_per_second=rates[0],
        bytes_per_second=rates[1],
        channel_devices=7,
        session_ttl=1800,
    )
    relay.join(tag=1)
    device = relay.connect(tag=2)
    device.read()
    device.join()
    limits = Limits(65536, rates[0] or None, rates[1] or None, 7)
    assert device.read() == [Welcome(2, (Peer(1, tag_of(1)),), limits, PING_SECONDS, 1800, None)]


def test_a_welcome_names_the_node_if_it_has_a_name() -> None:
    for name in ("relay-2", ""):
        (_, welcome) = Relay(node_name=name).join().read()
        assert isinstance(welcome, Welcome)
        assert welcome.node == (name or None)


# Hellos that do not get in.


@pytest.mark.parametrize(
    ("audience", "rule"),
    [
        ("other.example.org", "other_audience"),
        ("example.org", "other_audience"),
        ("192.0.2.7", "other_audience"),
        ("RELAY.EXAMPLE.ORG", "audience_spelling"),
        ("relay.example.org.", "audience_spelling"),
        ("[2001:db8::1]", "audience_spelling"),
        ("wss://relay.example.org", "audience_spelling"),
        ("relay.example.org:8080", "audience_spelling"),
    ],
)
def test_a_hello_meant_for_another_relay_is_refused(audience: str, rule: str) -> None:
    device = Relay(hosts=(HOST,)).connect()
    device.say(device.hello(audience=audience))
    assert device.closed() == f"4504 audience;rule={rule}"


@pytest.mark.parametrize("hosts", [(), (HOST,), ("other.example", HOST), ("*.example.org",)])
def test_a_hello_meant_for_this_relay_is_welcome(hosts: tuple[str, ...]) -> None:
    assert Relay(hosts=hosts).join().closed() == ""


def test_the_channel_of_the_upgrade_must_be_that_of_the_hello() -> None:
    relay = Relay()
    vault_of = {vault: relay.connect(vault=vault).channel for vault in (1, 2)}
    assert relay.connect(vault=1, named=vault_of[1]).join().closed() == ""
    assert relay.connect(vault=1, named=vault_of[2]).join().closed() == OTHER_CHANNEL


def flipped(proof: bytes) -> bytes:
    return bytes([proof[0] ^ 1]) + proof[1:]


def forged_under(key: bytes) -> Callable[[Device], Hello]:
    """A proof that common libraries take from anybody, under a key of small order."""
    return lambda device: replace(device.hello(), channel=key, proof=b"\x01" + bytes(63))


BAD_PROOFS: dict[str, Callable[[Device], Hello]] = {
    "of another connection": lambda device: device.hello(relay_nonce=bytes(32)),
    "of another hello": lambda device: replace(device.hello(), nonce=bytes(16)),
    "of another device": lambda device: replace(device.hello(), device=tag_of(9)),
    "for another relay": lambda device: replace(device.hello(), audience="other.example.org"),
    "with another key": lambda device: replace(
        device.hello(), channel=proof.channel_of(b"another vault's secret 32 bytes.")
    ),
    "with one bit changed": lambda device: replace(
        device.hello(), proof=flipped(device.hello().proof)
    ),
    "of zeros": lambda device: replace(device.hello(), proof=bytes(64)),
    "with a key that is no point": lambda device: replace(device.hello(), channel=b"\x02" * 32),
    **{f"forged under {key.hex()}": forged_under(key) for key in sorted(proof.REFUSED_CHANNELS)},
}


@pytest.mark.parametrize("hello", BAD_PROOFS.values(), ids=BAD_PROOFS.keys())
def test_bad_proofs_all_get_the_same_answer(hello: Callable[[Device], Hello]) -> None:
    device = Relay().connect()
    device.read()
    said = hello(device)
    device.say(said)
    assert device.read() == (FORGED if said.channel in proof.REFUSED_CHANNELS else PROOF_FAILED)


def an_empty_relay() -> Relay:
    return Relay()


def a_relay_with_a_channel() -> Relay:
    relay = Relay()
    relay.meet(2)
    return relay


def a_relay_with_a_full_channel() -> Relay:
    relay = Relay(channel_devices=2)
    relay.meet(2)
    return relay


def a_full_relay() -> Relay:
    relay = Relay(max_connections=2)
    relay.meet(2)
    return relay


@pytest.mark.parametrize("tag", [1, 3], ids=["known device", "new device"])
@pytest.mark.parametrize(
    "make", [an_empty_relay, a_relay_with_a_channel, a_relay_with_a_full_channel, a_full_relay]
)
def test_nothing_about_a_channel_is_told_before_the_proof_is_good(
    make: Callable[[], Relay], tag: int
) -> None:
    relay = make()
    before = {session.outbox: session.close_code for session in relay.broker.sessions}
    device = relay.connect(tag)
    device.read()
    device.say(replace(device.hello(), proof=bytes(64)))
    assert device.read() == PROOF_FAILED
    assert {session.outbox: session.close_code for session in relay.broker.sessions} == before


def test_cheap_checks_come_before_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay(hosts=(HOST,))
    monkeypatch.setattr("vaultrelay.broker.hello.verify_join", None)
    named = relay.connect(named=bytes(32))
    named.join()
    foreign = relay.connect()
    foreign.say(foreign.hello(audience="other.example.org"))
    assert (named.closed(), foreign.closed()) == (
        OTHER_CHANNEL,
        "4504 audience;rule=other_audience",
    )


def test_a_refused_hello_harms_nobody() -> None:
    relay = Relay()
    members = relay.meet(2)
    device = relay.connect(tag=1)
    device.say(device.hello(relay_nonce=bytes(32)))
    assert [member.read() for member in members] == [[], []]
    message = members[0].send()
    assert members[1].read() == [message]
