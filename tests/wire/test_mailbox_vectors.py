"""The published vectors of the mailbox against `vaultrelay.wire`, and keys against the client."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.wire.published_vectors import ALL, Vector, each, fields_of, with_hex
from vaultrelay.client import collapse_key
from vaultrelay.wire import data, mailbox
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.from_relay import read_from_relay
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.control.mailbox import Erase, Gap, MailboxState, State, read_with_mailbox
from vaultrelay.wire.data import NO_SESSION, BadHeader, Kind, read_header
from vaultrelay.wire.json_object import BadControl

PAGE = Path(__file__).parents[2] / "docs" / "protocol-mailbox.rst"
MAILBOX: dict[str, list[Vector]] = ALL["mailbox"]


def test_every_list_is_known_here() -> None:
    assert list(MAILBOX) == [
        "collapse_keys",
        "lifetimes",
        "relay_controls",
        "tolerated_relay_controls",
        "refused_relay_controls",
        "device_controls",
        "refused_device_controls",
        "puts",
        "refused_puts",
        "nacks",
        "items",
        "stored",
        "refused_relay_data",
        "streams",
    ]


def test_the_worked_example_of_the_page_is_a_vector() -> None:
    page = "".join(PAGE.read_text(encoding="utf-8").split())
    example = MAILBOX["streams"][0]
    shown = [message.get("text") or message["hex"] for message in example["messages"]]
    shown += [vector["text"] for vector in MAILBOX["relay_controls"][2:]]
    shown += [MAILBOX[name][0]["hex"] for name in ("puts", "items", "stored", "nacks")]
    shown += [value for name, value in MAILBOX["collapse_keys"][0].items() if name != "name"]
    for text in shown:
        assert "".join(text.split()) in page


# What a device computes.


@each("mailbox", "collapse_keys")
def test_collapse_keys(vector: Vector) -> None:
    tag_key, device, what = (
        bytes.fromhex(vector[name]) for name in ("device_tag_key", "device", "what")
    )
    assert collapse_key(tag_key, device, what).hex() == vector["key"]


@each("mailbox", "lifetimes")
def test_lifetimes(vector: Vector) -> None:
    put = mailbox.Put(1, bytes(16), mailbox.NO_KEY, vector["ttl"], b"")
    assert put.lifetime(vector["retention"]) == vector["seconds"]


# Control messages.


@each("mailbox", "relay_controls")
def test_relay_controls(vector: Vector) -> None:
    message = read_from_relay(vector["text"].encode())
    assert message is not None
    assert message.encode().decode() == vector["text"]
    assert with_text_fields(message) == vector["fields"]


@each("mailbox", "tolerated_relay_controls")
def test_tolerated_relay_controls(vector: Vector) -> None:
    message = read_from_relay(vector["text"].encode())
    assert message is not None
    assert with_text_fields(message) == vector["fields"]


def with_text_fields(message: Any) -> Vector:
    """The fields of a message as the vectors have them: without those of other states."""
    if isinstance(message, MailboxState):
        names = json.loads(message.encode())
        return {"type": message.type} | {
            name: with_hex(getattr(message, name)) for name in names if name != "type"
        }
    return fields_of(message)


@each("mailbox", "refused_relay_controls")
def test_refused_relay_controls(vector: Vector) -> None:
    with pytest.raises(BadControl):
        read_from_relay(vector["text"].encode())


def test_every_state_and_every_gap_is_shown() -> None:
    fields = [vector["fields"] for vector in MAILBOX["relay_controls"]]
    assert {each.get("state") for each in fields} >= set(State)
    assert {each["gap"] for each in fields if "gap" in each} == {None, *Gap}


@each("mailbox", "device_controls")
def test_device_controls(vector: Vector) -> None:
    message = read_with_mailbox(vector["text"].encode())
    if isinstance(message, Erase):
        assert message.encode().decode() == vector["text"]
        assert with_hex(message.cursor) == vector["cursor"]
    else:
        assert isinstance(message, Hello)
        assert message.mailbox is not None
        assert (message.mailbox.hex() or None) == vector["cursor"]


@each("mailbox", "refused_device_controls")
def test_refused_device_controls(vector: Vector) -> None:
    text = vector["text"].encode()
    with pytest.raises(BadControl) as broken:
        read_with_mailbox(text)
    assert broken.value.slug == vector["rule"]


@each("mailbox", "refused_device_controls")
def test_a_relay_without_a_mailbox_ignores_the_field_and_knows_no_erase(vector: Vector) -> None:
    text = vector["text"].encode()
    if '"hello"' in vector["text"]:
        hello = read_from_device(text)
        assert isinstance(hello, Hello)
        assert hello.mailbox is None
    else:
        with pytest.raises(BadControl) as broken:
            read_from_device(text)
        assert broken.value.slug == "unknown_type"


# Data messages.


@each("mailbox", "puts")
def test_puts(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    item_id, key, payload = (bytes.fromhex(vector[name]) for name in ("item_id", "key", "payload"))
    id, ttl = vector["id"], vector["ttl"]
    assert mailbox.is_put(message)
    assert mailbox.read_put(message, vector["session"]) == (id, item_id, key, ttl, payload)
    packed = mailbox.pack_put(vector["session"], id, item_id, payload, key=key, ttl=ttl)
    assert packed == message


@each("mailbox", "puts")
def test_a_session_without_a_mailbox_may_not_send_puts(vector: Vector) -> None:
    with pytest.raises(BadHeader) as broken:
        data.check_data(bytes.fromhex(vector["hex"]), vector["session"])
    assert broken.value.slug == "kind"


@each("mailbox", "refused_puts")
def test_refused_puts(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    with pytest.raises(BadHeader) as broken:
        data.check_data(message, vector["session"])
    if mailbox.is_put(message):
        with pytest.raises(BadHeader) as broken:
            mailbox.read_put(message, vector["session"])
    assert broken.value.slug == vector["rule"]


@each("mailbox", "nacks")
def test_nacks(vector: Vector) -> None:
    reason = mailbox.PutReason(vector["reason"])
    assert reason.name.lower() == vector["name"]
    put = mailbox.read_put(bytes.fromhex(vector["put"]), vector["to"])
    nack = mailbox.pack_put_nack(vector["to"], put.id, reason)
    assert nack.hex() == vector["hex"]
    assert read_header(nack) == (Kind.NACK, 0, reason, vector["to"], NO_SESSION, vector["id"])


def test_every_reason_of_a_nack_is_shown() -> None:
    assert [vector["reason"] for vector in MAILBOX["nacks"]] == list(mailbox.PutReason)


@each("mailbox", "items")
def test_items(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    item = tuple(bytes.fromhex(vector[name]) for name in ("item_id", "cursor", "payload"))
    assert mailbox.read_item(message) == item
    assert mailbox.pack_item(*item) == message


@each("mailbox", "stored")
def test_stored(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    item_id, cursor = (bytes.fromhex(vector[name]) for name in ("item_id", "cursor"))
    assert mailbox.read_stored(message, vector["to"]) == (vector["id"], item_id, cursor)
    assert mailbox.pack_stored(vector["to"], vector["id"], item_id, cursor) == message
    assert (cursor != mailbox.NO_CURSOR) == vector["moves"]


@each("mailbox", "refused_relay_data")
def test_refused_relay_data(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    assert bool(read_header(message).flags) == vector["ignored"]
    with pytest.raises(BadHeader):
        read_of_relay(message, vector["session"])


def read_of_relay(message: bytes, session: int) -> mailbox.Item | mailbox.Stored:
    """A data message of a relay's mailbox."""
    if message[0] == mailbox.MailboxKind.ITEM:
        return mailbox.read_item(message)
    return mailbox.read_stored(message, session)


# Streams.


class Place(NamedTuple):
    """What a device remembers: its cursor, and whether it synchronizes before it sends."""

    cursor: bytes | None
    synchronize: bool = False


def follow(place: Place, message: Vector, session: int) -> Place:
    """What a device remembers after a message, as the page has it."""
    if "text" in message:
        control = read_from_relay(message["text"].encode())
        if isinstance(control, MailboxState):
            if control.state == State.OPEN and control.gap is not None:
                return Place(place.cursor, synchronize=True)
            if control.state == State.LIVE:
                return Place(control.cursor, place.synchronize)
        return place
    read = read_of_relay(bytes.fromhex(message["hex"]), session)
    return place if read.cursor == mailbox.NO_CURSOR else Place(read.cursor, place.synchronize)


@each("mailbox", "streams")
def test_streams(vector: Vector) -> None:
    start = vector["cursor"]
    place = Place(None if start is None else bytes.fromhex(start))
    for message in vector["messages"]:
        place = follow(place, message, vector["session"])
        assert with_hex(place.cursor) == message["cursor"]
        assert place.synchronize == message["synchronize"]
