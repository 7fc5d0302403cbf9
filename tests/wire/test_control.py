import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire.announced import Limits, MailboxLimits
from vaultrelay.wire.control import CONTROL_BYTES, WORD_CHARS
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.from_relay import FromRelay, read_from_relay
from vaultrelay.wire.control.in_session import (
    LEFT_REASONS,
    Busy,
    Draining,
    Joined,
    Keepalive,
    Left,
    Ready,
)
from vaultrelay.wire.control.joining import Challenge, Hello, Peer, Welcome
from vaultrelay.wire.control.mailbox import Erase, Erased, MailboxState, read_with_mailbox
from vaultrelay.wire.json_object import BadControl

FUZZ = settings(deadline=None, derandomize=True, max_examples=100)

CHANNEL = bytes(range(32))
CHANNEL_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
NONCE_TEXT = "AAECAwQFBgcICQoLDA0ODw"
DEVICE_TEXT = "AAECAwQFBgc"
PROOF_TEXT = "_" * 85 + "w"

HELLO = (
    Hello(
        CHANNEL, CHANNEL[:8], CHANNEL[:16], "relay.example.org", b"\xff" * 64, client="desktop/1.4"
    ),
    (
        f'{{"type":"hello","channel":"{CHANNEL_TEXT}","device":"{DEVICE_TEXT}",'
        f'"nonce":"{NONCE_TEXT}","audience":"relay.example.org","proof":"{PROOF_TEXT}",'
        '"client":"desktop/1.4"}'
    ),
)
KEEPALIVE = (Keepalive(300), '{"type":"keepalive","ping_seconds":300}')
CHALLENGE = (
    Challenge(CHANNEL, "1.0.0"),
    f'{{"type":"challenge","protocol":3,"nonce":"{CHANNEL_TEXT}","relay":"1.0.0"}}',
)
WELCOME = (
    Welcome(
        session=7,
        peers=(Peer(3, CHANNEL[:8]),),
        limits=Limits(1048576, None, 1000, 64),
        ping_seconds=50,
        session_ttl=3600,
    ),
    (
        f'{{"type":"welcome","session":7,"peers":[{{"session":3,"device":"{DEVICE_TEXT}"}}],'
        '"limits":{"message_bytes":1048576,"messages_per_second":null,"bytes_per_second":1000,'
        '"channel_devices":64},"ping_seconds":50,"session_ttl":3600,"notice":null}'
    ),
)
WELCOME_ALONE = (
    Welcome(1, (), Limits(1024, 2000, None, 1), 20, 60, notice="Bald ist Wartung: über Nacht."),
    (
        '{"type":"welcome","session":1,"peers":[],"limits":{"message_bytes":1024,'
        '"messages_per_second":2000,"bytes_per_second":null,"channel_devices":1},'
        '"ping_seconds":20,"session_ttl":60,"notice":"Bald ist Wartung: \\u00fcber Nacht."}'
    ),
)
WELCOME_OF_A_NODE = (
    Welcome(1, (), Limits(1024, None, None, 1), 20, 60, node="relay-2"),
    (
        '{"type":"welcome","session":1,"peers":[],"limits":{"message_bytes":1024,'
        '"messages_per_second":null,"bytes_per_second":null,"channel_devices":1},'
        '"ping_seconds":20,"session_ttl":60,"notice":null,"node":"relay-2"}'
    ),
)
WELCOME_WITH_A_MAILBOX = (
    Welcome(
        session=7,
        peers=(Peer(3, CHANNEL[:8]), Peer(5, CHANNEL[:8])),
        limits=Limits(1024, None, None, 8),
        ping_seconds=20,
        session_ttl=60,
        node="relay-2",
        mailbox=MailboxLimits(3600, 2048, 4096, 16, 8192),
    ),
    (
        f'{{"type":"welcome","session":7,"peers":[{{"session":3,"device":"{DEVICE_TEXT}"}},'
        f'{{"session":5,"device":"{DEVICE_TEXT}"}}],"limits":{{"message_bytes":1024,'
        '"messages_per_second":null,"bytes_per_second":null,"channel_devices":8},'
        '"ping_seconds":20,"session_ttl":60,"notice":null,"node":"relay-2","mailbox":'
        '{"retention":3600,"item_bytes":2048,"channel_bytes":4096,"channel_items":16,'
        '"window_bytes":8192}}'
    ),
)
JOINED = (
    Joined(Peer(9, CHANNEL[:8])),
    f'{{"type":"joined","session":9,"device":"{DEVICE_TEXT}"}}',
)
LEFT = (Left(9, "lost"), '{"type":"left","session":9,"reason":"lost"}')
CHALLENGE_ESCAPED = (
    Challenge(CHANNEL, '1.0"\n'),
    f'{{"type":"challenge","protocol":3,"nonce":"{CHANNEL_TEXT}","relay":"1.0\\"\\n"}}',
)
LEFT_ESCAPED = (Left(9, 'ü"\\'), '{"type":"left","session":9,"reason":"\\u00fc\\"\\\\"}')
DRAINING = (
    Draining("restart", 20, (2, 12)),
    '{"type":"draining","reason":"restart","closes_in":20,"reconnect":[2,12]}',
)
MAILBOX_OPEN = (MailboxState("open", gap="gone"), '{"type":"mailbox","state":"open","gap":"gone"}')
MAILBOX_LIVE = (
    MailboxState("live", cursor=CHANNEL[:16]),
    f'{{"type":"mailbox","state":"live","cursor":"{NONCE_TEXT}"}}',
)
MAILBOX_AWAY = (MailboxState("away"), '{"type":"mailbox","state":"away"}')
ERASED = (Erased(CHANNEL[:16]), f'{{"type":"erased","cursor":"{NONCE_TEXT}"}}')
ERASE = (Erase(CHANNEL[:16]), f'{{"type":"erase","cursor":"{NONCE_TEXT}"}}')
BUSY = (Busy(5), '{"type":"busy","session":5}')
READY = (Ready(5), '{"type":"ready","session":5}')

FROM_DEVICE = [HELLO, KEEPALIVE]
WELCOMES = [WELCOME, WELCOME_ALONE, WELCOME_OF_A_NODE, WELCOME_WITH_A_MAILBOX]
ESCAPED = [CHALLENGE_ESCAPED, LEFT_ESCAPED]
OF_THE_MAILBOX = [MAILBOX_OPEN, MAILBOX_LIVE, MAILBOX_AWAY, ERASED]
IN_SESSION = [JOINED, LEFT, KEEPALIVE, BUSY, READY, DRAINING]
FROM_RELAY = [CHALLENGE, *WELCOMES, *IN_SESSION, *OF_THE_MAILBOX, *ESCAPED]


def read_either(text: bytes) -> object:
    """Whoever may say such a message is heard."""
    if b'"erase"' in text:
        return read_with_mailbox(text)
    return read_from_device(text) if b'"hello"' in text else read_from_relay(text)


def changed(text: str, **fields: object) -> bytes:
    return json.dumps({**json.loads(text), **fields}).encode()


@pytest.mark.parametrize(("message", "text"), FROM_DEVICE)
def test_messages_of_devices_both_ways(message: Hello | Keepalive, text: str) -> None:
    assert message.encode().decode() == text
    assert read_from_device(text.encode()) == message


@pytest.mark.parametrize(("message", "text"), FROM_RELAY)
def test_messages_of_the_relay_both_ways(message: FromRelay, text: str) -> None:
    assert message.encode().decode() == text
    assert read_from_relay(text.encode()) == message


def test_reasons_to_leave_are_those_of_the_protocol() -> None:
    assert sorted(LEFT_REASONS) == ["closed", "draining", "idle", "lost", "replaced", "slow"]


@pytest.mark.parametrize(("message", "text"), FROM_DEVICE)
def test_the_relay_ignores_fields_it_does_not_know(message: object, text: str) -> None:
    assert read_from_device(changed(text, later={"a": [1, None]}, ping=1.5)) == message


@pytest.mark.parametrize(("message", "text"), FROM_RELAY)
def test_devices_ignore_fields_they_do_not_know(message: object, text: str) -> None:
    assert read_from_relay(changed(text, later={"a": [1, None]}, ping=1.5)) == message


@pytest.mark.parametrize("type", ["weather", "Keepalive", "", "keepalive ", "\ud800"])
def test_devices_ignore_types_they_do_not_know(type: str) -> None:
    assert read_from_relay(changed(KEEPALIVE[1], type=type)) is None


@pytest.mark.parametrize("type", ["busy", "Keepalive", "", "keepalive ", "\ud800", "welcome"])
def test_the_relay_refuses_types_it_does_not_know(type: str) -> None:
    with pytest.raises(BadControl, match="not one that a device can send"):
        read_from_device(changed(WELCOME[1], type=type))


@pytest.mark.parametrize("type", [None, True, 3, ["keepalive"], {"keepalive": 1}, "k" * 65])
def test_a_type_is_a_short_text(type: object) -> None:
    for read in (read_from_device, read_from_relay):
        with pytest.raises(BadControl, match=r"^type"):
            read(changed(KEEPALIVE[1], type=type))


NO_TEXT = [None, True, 7, 1.5, ["a"], {"a": "b"}]
NO_BYTES = [*NO_TEXT, "", "é", "AA=", "AAECAwQFBgh", "A" * 10, "A" * 12, "A" * 500]
NO_INTEGER = [None, True, False, 1.0, 1e3, "1", [1], {"1": 1}]
NO_SESSION = [*NO_INTEGER, 0, -1, 0xFFFFFFFF, 1 << 32, 10**300]
NO_PAIR = [None, 2, "2", [], [2], [2, 12, 13], [2, None], [2, 1.0], [True, 2], {"2": 12}]
WRONG: list[tuple[str, str, list[Any]]] = [
    (HELLO[1], "channel", NO_BYTES),
    (HELLO[1], "device", NO_BYTES),
    (HELLO[1], "nonce", NO_BYTES),
    (HELLO[1], "proof", NO_BYTES),
    (
        HELLO[1],
        "audience",
        [*NO_TEXT, "", "a" * 256, "münchen.example", "a\nb", "a\x00", "a\x7f", "\ud800"],
    ),
    (HELLO[1], "client", [*NO_TEXT, "c" * 65]),
    (KEEPALIVE[1], "ping_seconds", NO_INTEGER),
    (CHALLENGE[1], "nonce", NO_BYTES),
    (CHALLENGE[1], "relay", [*NO_TEXT, "1" * 65]),
    (CHALLENGE[1], "protocol", NO_INTEGER),
    (WELCOME[1], "session", NO_SESSION),
    (WELCOME[1], "peers", [None, 1, "[]", {}, [1], [[]], [{}], [None]]),
    (WELCOME[1], "limits", [None, 1, "{}", [], {}]),
    (WELCOME[1], "ping_seconds", NO_INTEGER),
    (WELCOME[1], "session_ttl", NO_INTEGER),
    (WELCOME[1], "notice", [*NO_TEXT[1:], "n" * (CONTROL_BYTES + 1)]),
    (WELCOME[1], "node", [*NO_TEXT[1:], "n" * (WORD_CHARS + 1)]),
    (JOINED[1], "session", NO_SESSION),
    (JOINED[1], "device", NO_BYTES),
    (LEFT[1], "session", NO_SESSION),
    (LEFT[1], "reason", [*NO_TEXT, "r" * 65]),
    (MAILBOX_OPEN[1], "state", [*NO_TEXT, "s" * 65]),
    (MAILBOX_OPEN[1], "gap", [*NO_TEXT[1:], "g" * 65]),
    (MAILBOX_LIVE[1], "cursor", NO_BYTES[1:]),
    (ERASED[1], "cursor", NO_BYTES[1:]),
    (ERASE[1], "cursor", NO_BYTES),
    (DRAINING[1], "reason", [*NO_TEXT, "r" * 65]),
    (DRAINING[1], "closes_in", NO_INTEGER),
    (DRAINING[1], "reconnect", NO_PAIR),
]


@pytest.mark.parametrize(
    ("text", "name", "values"), WRONG, ids=[f"{text[9:14]} {name}" for text, name, _ in WRONG]
)
def test_a_field_of_the_wrong_shape_is_refused(text: str, name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(BadControl):
            read_either(changed(text, **{name: value}))


@pytest.mark.parametrize("name", ["message_bytes", "channel_devices"])
@pytest.mark.parametrize("value", NO_INTEGER)
def test_a_limit_that_always_exists_is_a_whole_number(name: str, value: object) -> None:
    limits = {**json.loads(WELCOME[1])["limits"], name: value}
    with pytest.raises(BadControl, match=name):
        read_from_relay(changed(WELCOME[1], limits=limits))


@pytest.mark.parametrize("name", ["messages_per_second", "bytes_per_second"])
@pytest.mark.parametrize("value", NO_INTEGER[1:])
def test_a_rate_is_a_whole_number_or_null(name: str, value: object) -> None:
    limits = {**json.loads(WELCOME[1])["limits"], name: value}
    with pytest.raises(BadControl, match=name):
        read_from_relay(changed(WELCOME[1], limits=limits))


OPTIONAL = {"client", "notice", "node", "gap", "cursor"}
REQUIRED = [(text, name) for text, name, _ in WRONG if name not in OPTIONAL]


@pytest.mark.parametrize(("text", "name"), REQUIRED)
def test_a_field_may_not_be_missing(text: str, name: str) -> None:
    fields = json.loads(text)
    del fields[name]
    with pytest.raises(BadControl, match=name):
        read_either(json.dumps(fields).encode())


def test_the_name_of_the_client_may_be_missing() -> None:
    fields = json.loads(HELLO[1])
    del fields["client"]
    hello = read_from_device(json.dumps(fields).encode())
    assert isinstance(hello, Hello)
    assert hello.client == ""


@pytest.mark.parametrize("name", ["notice", "messages_per_second", "bytes_per_second"])
def test_what_the_relay_has_not_set_may_be_missing(name: str) -> None:
    fields = json.loads(WELCOME[1])
    fields.pop(name, None)
    fields["limits"].pop(name, None)
    limits = Limits(1048576, None, None if name == "bytes_per_second" else 1000, 64)
    assert read_from_relay(json.dumps(fields).encode()) == Welcome(
        7, WELCOME[0].peers, limits, 50, 3600
    )


@pytest.mark.parametrize("session", [1, 0xFFFFFFFE])
def test_the_smallest_and_the_largest_session_number(session: int) -> None:
    assert read_from_relay(changed(LEFT[1], session=session)) == Left(session, "lost")


@pytest.mark.parametrize("audience", ["a", "a" * 255, "::1", "127.0.0.1", "my_nas.lan"])
def test_an_audience_is_at_most_255_characters_of_ascii(audience: str) -> None:
    hello = read_from_device(changed(HELLO[1], audience=audience))
    assert isinstance(hello, Hello)
    assert hello.audience == audience


@pytest.mark.parametrize("seconds", [0, -1, 10**30])
def test_any_whole_number_may_be_asked_for_as_an_interval(seconds: int) -> None:
    assert read_from_device(changed(KEEPALIVE[1], ping_seconds=seconds)) == Keepalive(seconds)


def test_a_device_may_say_up_to_4096_bytes() -> None:
    text = KEEPALIVE[1].encode()
    assert read_from_device(text.ljust(4096)) == Keepalive(300)
    with pytest.raises(BadControl, match="larger than 4096 bytes"):
        read_from_device(text.ljust(4097))


def test_a_welcome_lists_64_peers() -> None:
    peers = tuple(Peer(0xFFFFFFFE - number, b"\xff" * 8) for number in range(64))
    welcome = Welcome(1, peers, WELCOME[0].limits, 50, 3600)
    assert read_from_relay(welcome.encode()) == welcome


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"type":"keepalive","ping_seconds":NaN}',
        b'{"type":"keepalive","ping_seconds":300,"ping_seconds":300}',
        KEEPALIVE[1].encode("utf-16"),
        b"[" * 4096,
    ],
    ids=repr,
)
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    for read in (read_from_device, read_from_relay):
        with pytest.raises(BadControl):
            read(text)


@pytest.mark.parametrize("cursor", [b"", CHANNEL[:16]])
def test_a_hello_asks_a_relay_with_a_mailbox_for_items(cursor: bytes) -> None:
    hello = replace(HELLO[0], mailbox=cursor)
    assert read_with_mailbox(hello.encode()) == hello
    assert read_from_device(hello.encode()) == HELLO[0]


@pytest.mark.parametrize(("message", "text"), [*FROM_DEVICE, ERASE])
def test_a_relay_with_a_mailbox_reads_all_messages_of_devices(message: object, text: str) -> None:
    assert read_with_mailbox(text.encode()) == message


@pytest.mark.parametrize("value", [None, True, [], "x", {"cursor": None}, {"cursor": "x"}])
def test_a_relay_without_a_mailbox_ignores_the_field(value: object) -> None:
    assert read_from_device(changed(HELLO[1], mailbox=value)) == HELLO[0]
    with pytest.raises(BadControl, match=r"^(mailbox|cursor) "):
        read_with_mailbox(changed(HELLO[1], mailbox=value))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=6,
)
EXAMPLES = [text for _, text in [*FROM_DEVICE, ERASE, *FROM_RELAY]]
NAMES = sorted({name for _, name, _ in WRONG} | {"type", "later", "mailbox"})
MUTATED = st.builds(
    lambda text, fields: changed(text, **fields),
    st.sampled_from(EXAMPLES),
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=2),
)
CUT = st.builds(
    lambda text, at, junk: text.encode()[:at] + junk + text.encode()[at + len(junk) :],
    st.sampled_from(EXAMPLES),
    st.integers(0, 200),
    st.binary(max_size=3),
)


@FUZZ
@given(st.binary(max_size=40) | MUTATED | CUT)
def test_whatever_comes_is_understood_or_refused(text: bytes) -> None:
    for read in (read_from_device, read_with_mailbox, read_from_relay):
        try:
            message = read(text)
        except BadControl:
            continue
        if message is not None:
            assert read(message.encode()) == message


@FUZZ
@given(
    st.builds(
        Hello,
        channel=st.binary(min_size=32, max_size=32),
        device=st.binary(min_size=8, max_size=8),
        nonce=st.binary(min_size=16, max_size=16),
        audience=st.text("abcxyz019.-_:", min_size=1, max_size=255),
        proof=st.binary(min_size=64, max_size=64),
        client=st.text(max_size=64),
    )
)
def test_every_hello_comes_back(hello: Hello) -> None:
    assert read_from_device(hello.encode()) == hello


SECRET = "c2VjcmV0"


@pytest.mark.parametrize(
    "text",
    [
        *(changed(text, **{name: [SECRET, {SECRET: 1}]}) for text, name, _ in WRONG),
        changed(HELLO[1], channel=SECRET),
        changed(HELLO[1], audience=SECRET + "é"),
        changed(KEEPALIVE[1], type=SECRET * 10),
        changed(WELCOME[1], peers=[{"session": 1, "device": SECRET}]),
        f'{{"{SECRET}":1,"{SECRET}":2}}'.encode(),
        f'["{SECRET}"]'.encode(),
        SECRET.encode(),
    ],
)
def test_an_error_repeats_nothing_of_the_message(text: bytes) -> None:
    with pytest.raises(BadControl) as caught:
        read_either(text)
    assert SECRET not in str(caught.value)


def test_the_relay_does_not_repeat_a_type_that_it_does_not_know() -> None:
    with pytest.raises(BadControl) as caught:
        read_from_device(changed(KEEPALIVE[1], type=SECRET))
    assert SECRET not in str(caught.value)
