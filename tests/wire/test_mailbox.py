"""What the vectors do not show: every bit of a header, lengths, and random bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.client.events import Nack, read_data
from vaultrelay.wire import data, mailbox
from vaultrelay.wire.announced import PUT_HEADER_BYTES
from vaultrelay.wire.data import BadHeader, Kind
from vaultrelay.wire.mailbox import (
    NO_KEY,
    MailboxKind,
    Put,
    PutReason,
    is_put,
    pack_item,
    pack_put,
    pack_put_nack,
    pack_stored,
    read_item,
    read_put,
    read_stored,
)

FUZZ = settings(deadline=None, derandomize=True, max_examples=100)
U32 = st.integers(0, 0xFFFFFFFF)
SIXTEEN = st.binary(min_size=16, max_size=16).filter(any)

ID, CURSOR = bytes(range(16)), bytes(range(16, 32))
PUT = pack_put(7, 0x01020304, ID, b"\xc0\xff\xee", key=CURSOR, ttl=60)
ITEM = pack_item(ID, CURSOR, b"\xc0\xff\xee")
STORED = pack_stored(7, 0x01020304, ID, CURSOR)


def test_the_kinds_of_the_mailbox_are_none_of_the_others() -> None:
    assert list(MailboxKind) == [0x12, 0x13, 0x14]
    assert not set(MailboxKind) & set(Kind)


def test_a_reason_means_the_same_to_a_put_as_to_data() -> None:
    shared = [reason for reason in PutReason if reason.value in set(data.Reason)]
    assert [reason.name for reason in shared] == [data.Reason(reason).name for reason in shared]
    assert sorted(set(PutReason) - set(data.Reason)) == [PutReason.FULL, PutReason.AWAY]


def test_sizes_of_headers() -> None:
    assert len(pack_put(7, 1, ID, b"")) == PUT_HEADER_BYTES
    assert len(pack_item(ID, CURSOR, b"")) == mailbox.ITEM_HEADER_BYTES
    assert len(STORED) == mailbox.STORED_BYTES


@pytest.mark.parametrize("message", [b"", b"\x11" * 60, b"\x13" * 60, data.pack_data(3, 7, 1, b"")])
def test_other_kinds_are_no_put(message: bytes) -> None:
    assert not is_put(message)


@pytest.mark.parametrize("wrong", [b"", bytes(15), bytes(17)])
def test_an_id_of_another_length_is_not_packed(wrong: bytes) -> None:
    for pack in (
        lambda: pack_put(7, 1, wrong, b""),
        lambda: pack_put(7, 1, ID, b"", key=wrong),
        lambda: pack_item(ID, wrong, b""),
        lambda: pack_stored(7, 1, ID, wrong),
    ):
        with pytest.raises(ValueError, match="16 bytes"):
            pack()


@pytest.mark.parametrize("bit", range(96))
def test_every_bit_of_kind_flags_reason_to_and_from_counts(bit: int) -> None:
    for message, read in (
        (PUT, lambda raw: read_put(raw, 7)),
        (ITEM, read_item),
        (STORED, lambda raw: read_stored(raw, 7)),
    ):
        read(message)
        word = int.from_bytes(message[:12], "big") ^ (1 << bit)
        with pytest.raises(BadHeader, match="instead of"):
            read(word.to_bytes(12, "big") + message[12:])


@pytest.mark.parametrize("length", range(52))
def test_a_message_shorter_than_its_header_is_refused(length: int) -> None:
    with pytest.raises(BadHeader) as broken:
        read_put(PUT[:length], 7)
    assert broken.value.slug == "data_size"
    if length < mailbox.ITEM_HEADER_BYTES:
        for read in (lambda: read_item(ITEM[:length]), lambda: read_stored(STORED[:length], 7)):
            with pytest.raises(BadHeader, match="bytes"):
                read()


@FUZZ
@given(U32, U32, SIXTEEN, st.binary(max_size=40), SIXTEEN | st.just(NO_KEY), U32)
def test_puts_come_back(
    sender: int, id: int, item_id: bytes, payload: bytes, key: bytes, ttl: int
) -> None:
    message = pack_put(sender, id, item_id, payload, key=key, ttl=ttl)
    assert read_put(message, sender) == Put(id, item_id, key, ttl, payload)


@FUZZ
@given(U32, U32, SIXTEEN, SIXTEEN, st.binary(max_size=40))
def test_messages_of_the_relay_come_back(
    to: int, id: int, item_id: bytes, cursor: bytes, payload: bytes
) -> None:
    assert read_item(pack_item(item_id, cursor, payload)) == (item_id, cursor, payload)
    assert read_stored(pack_stored(to, id, item_id, cursor), to) == (id, item_id, cursor)


@pytest.mark.parametrize("message", [PUT, ITEM, STORED], ids=["put", "item", "stored"])
def test_a_client_without_a_mailbox_ignores_it(message: bytes) -> None:
    assert read_data(message) is None


def test_a_client_reads_the_nack_of_a_put_as_one_from_no_session() -> None:
    nack = pack_put_nack(7, 41, PutReason.FULL)
    assert read_data(nack, 7) == Nack(0, 41, 7)
    assert read_data(nack) is None
