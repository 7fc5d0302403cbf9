from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twins import each_twin, twins
from vaultrelay.wire import data
from vaultrelay.wire.data import (
    EVERYONE,
    HEADER_BYTES,
    NO_SESSION,
    BadHeader,
    Header,
    Kind,
    Reason,
    check_data,
    end_of_run,
    pack_data,
    pack_nack,
    read_header,
)

twin = each_twin(data, "check_data", "end_of_run", tests=__name__)
FUZZ = settings(deadline=None, derandomize=True, max_examples=100)
U32 = st.integers(0, 0xFFFFFFFF)

DATA = bytes.fromhex(
    "10"  # kind DATA
    "00"  # flags
    "0000"  # no reason
    "00000002"  # to session 2
    "00000007"  # from session 7
    "01020304"  # id
    "c0ffee"  # the payload
)
NACK = bytes.fromhex(
    "11"  # kind NACK
    "00"  # flags
    "0002"  # reason: busy
    "00000007"  # to session 7, whose message it was
    "00000002"  # from session 2, which missed it
    "01020304"  # id
)


def test_a_data_message_is_laid_out_as_the_protocol_says() -> None:
    assert pack_data(to=2, sender=7, id=0x01020304, payload=b"\xc0\xff\xee") == DATA
    assert read_header(DATA) == Header(
        kind=Kind.DATA, flags=0, reason=0, to=2, sender=7, id=0x01020304
    )
    assert check_data(DATA, session=7) == (2, 0x01020304)


def test_a_nack_is_laid_out_as_the_protocol_says() -> None:
    assert pack_nack(to=7, peer=2, id=0x01020304, reason=Reason.BUSY) == NACK
    assert read_header(NACK) == Header(
        kind=Kind.NACK, flags=0, reason=Reason.BUSY, to=7, sender=2, id=0x01020304
    )


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        (Reason.GONE, 1),
        (Reason.BUSY, 2),
        (Reason.TOO_BIG, 3),
        (Reason.RATE, 4),
        (Reason.NOT_ALLOWED, 5),
        (Reason.DRAINING, 6),
    ],
)
def test_reasons_have_the_numbers_of_the_protocol(reason: Reason, number: int) -> None:
    assert pack_nack(1, 2, 3, reason)[2:4] == number.to_bytes(2, "big")


def test_the_protocol_has_no_other_reasons() -> None:
    assert sorted(Reason) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("to", "id"),
    [(1, 0), (8, 1), (EVERYONE, 0), (EVERYONE - 1, 0xFFFFFFFF)],
)
@pytest.mark.parametrize("payload", [b"", b"x", bytes(1000)])
def test_a_device_may_send_to_any_peer_and_to_everyone(to: int, id: int, payload: bytes) -> None:
    assert check_data(pack_data(to, 7, id, payload), session=7) == (to, id)


@pytest.mark.parametrize("length", range(HEADER_BYTES))
def test_a_message_shorter_than_its_header_is_refused(length: int) -> None:
    with pytest.raises(BadHeader, match=rf"\b{length} bytes\b"):
        check_data(DATA[:length], session=7)
    with pytest.raises(BadHeader, match=rf"\b{length} bytes\b"):
        read_header(DATA[:length])


@pytest.mark.parametrize("bit", range(32))
def test_every_other_kind_flag_and_reason_is_refused(bit: int) -> None:
    word = int.from_bytes(DATA[:4], "big") ^ (1 << bit)
    field = "reason is" if bit < 16 else "flags are" if bit < 24 else "kind is"
    with pytest.raises(BadHeader, match=f"^{field} .* instead of"):
        check_data(word.to_bytes(4, "big") + DATA[4:], session=7)


def test_a_device_may_not_send_a_nack() -> None:
    with pytest.raises(BadHeader, match="kind is 0x11 instead of 0x10"):
        check_data(pack_nack(2, 7, 1, Reason.GONE), session=7)


@pytest.mark.parametrize("sender", [0, 2, 6, 8, 7 << 8, 7 << 24, EVERYONE])
def test_a_device_may_not_send_in_the_name_of_another(sender: int) -> None:
    with pytest.raises(BadHeader, match="from"):
        check_data(pack_data(2, sender, 1, b""), session=7)


@pytest.mark.parametrize("to", [7, NO_SESSION])
def test_a_device_may_not_send_to_itself_or_to_nobody(to: int) -> None:
    with pytest.raises(BadHeader, match=r"^to is"):
        check_data(pack_data(to, 7, 1, b""), session=7)


@FUZZ
@given(U32, U32, U32, st.binary(max_size=40))
def test_data_messages_come_back(to: int, sender: int, id: int, payload: bytes) -> None:
    message = pack_data(to, sender, id, payload)
    assert read_header(message) == Header(Kind.DATA, 0, 0, to, sender, id)
    assert message[HEADER_BYTES:] == payload


@FUZZ
@given(U32, U32, U32, st.sampled_from(Reason))
def test_nacks_come_back(to: int, peer: int, id: int, reason: Reason) -> None:
    message = pack_nack(to, peer, id, reason)
    assert read_header(message) == Header(Kind.NACK, 0, reason, to, peer, id)
    assert len(message) == HEADER_BYTES


PLAIN_WORD = st.just(DATA[:4])
FEW = st.sampled_from([NO_SESSION, 2, 7, EVERYONE]).map(lambda number: number.to_bytes(4, "big"))
LIKELY = st.tuples(PLAIN_WORD | FEW, FEW, FEW, FEW, st.binary(max_size=3)).map(b"".join)


@FUZZ
@given(st.binary(max_size=20) | LIKELY)
def test_whatever_a_device_sends_is_understood_whole_or_refused(message: bytes) -> None:
    try:
        to, id = check_data(message, session=7)
    except BadHeader:
        return
    assert to not in (7, NO_SESSION)
    assert pack_data(to, 7, id, message[HEADER_BYTES:]) == message


# Runs.


def run_of(*sizes: int, to: int = 2, sender: int = 7) -> list[bytes]:
    """Messages of these sizes to one receiver."""
    ids = count(1)
    return [pack_data(to, sender, next(ids), bytes(size - HEADER_BYTES)) for size in sizes]


def test_a_run_ends_where_the_receiver_changes() -> None:
    messages = [*run_of(16, 20), *run_of(30, to=3), *run_of(16)]
    assert end_of_run(messages, 0, 100, 1000) == (2, 36)
    assert end_of_run(messages, 2, 100, 1000) == (3, 30)
    assert end_of_run(messages, 3, 100, 1000) == (4, 16)


@pytest.mark.parametrize("byte", range(12))
def test_a_run_ends_at_a_header_that_has_to_be_checked(byte: int) -> None:
    first, second = run_of(20, 20)
    other = second[:byte] + bytes([second[byte] ^ 1]) + second[byte + 1 :]
    assert end_of_run([first, other], 0, 100, 1000) == (1, 20)


@pytest.mark.parametrize("length", range(HEADER_BYTES))
def test_a_run_ends_at_a_message_without_a_whole_header(length: int) -> None:
    first, second = run_of(20, 20)
    assert end_of_run([first, second[:length]], 0, 100, 1000) == (1, 20)


@pytest.mark.parametrize(
    ("most_messages", "most_bytes", "end"),
    [
        (float("inf"), float("inf"), 4),
        (4, 80, 4),
        (1, 1000, 2),
        (2.9, 1000, 3),
        (100, 19.5, 1),
        (100, 20, 2),
        (0, 1000, 1),
        (-5, -5, 1),
    ],
)
def test_a_run_exceeds_its_limits_with_the_last_message_only(
    most_messages: float, most_bytes: float, end: int
) -> None:
    assert end_of_run(run_of(20, 20, 20, 20), 0, most_messages, most_bytes) == (end, 20 * end)


class Messages(list[bytes]):
    """A list that counts how often a message is taken from it."""

    taken = 0

    def __getitem__(self, index: Any) -> Any:
        self.taken += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[bytes]:
        for each in super().__iter__():
            self.taken += 1
            yield each


def test_many_runs_cost_no_more_than_their_messages() -> None:
    """The compiled twin takes plain lists only."""
    messages = Messages(pack_data(2 + id % 2, 7, id, b"") for id in range(100))
    pure, end = twins("end_of_run", data)[0], 0
    while end < len(messages):
        end, _ = pure(messages, end, 1000, 1000)
    assert messages.taken <= 3 * len(messages)


def test_messages_may_be_of_a_subclass_of_bytes() -> None:
    class Message(bytes):
        pass

    messages: list[bytes] = [Message(each) for each in run_of(16, 17)]
    assert check_data(messages[0], 7) == (2, 1)
    assert end_of_run(messages, 0, 100, 1000) == (2, 33)


@FUZZ
@given(
    st.lists(st.binary(max_size=20) | LIKELY, min_size=1, max_size=12),
    st.floats(-2, 12),
    st.floats(-20, 200),
)
def test_both_twins_find_the_same_runs(
    messages: list[bytes], most_messages: float, most_bytes: float
) -> None:
    checks, ends = twins("check_data", data), twins("end_of_run", data)
    for start, message in enumerate(messages):
        assert len({outcome(check, message, 7) for check in checks}) == 1
        if outcome(checks[0], message, 7)[0] != BadHeader:
            found = {end(messages, start, most_messages, most_bytes) for end in ends}
            assert len(found) == 1


def outcome(function: Callable[..., object], *arguments: object) -> tuple[object, str]:
    """What a call returns or raises."""
    try:
        return function(*arguments), ""
    except BadHeader as error:
        return BadHeader, str(error)
