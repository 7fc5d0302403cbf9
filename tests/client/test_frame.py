"""The client's own frames: what a server reads in them, and that each has its own key."""

import pytest

from tests.frames import BINARY, mask
from vaultrelay.client.frame import masked_frame

KEY_BYTES = 4


@pytest.mark.parametrize(
    ("size", "length"),
    [
        (0, b"\x80"),
        (1, b"\x81"),
        (125, b"\xfd"),
        (126, b"\xfe\x00\x7e"),
        (0xFFFF, b"\xfe\xff\xff"),
        (0x10000, b"\xff\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_message_is_one_masked_frame(size: int, length: bytes) -> None:
    message = bytes(number % 251 for number in range(size))
    frame = masked_frame(message)
    head = bytes([0x80 | BINARY]) + length
    key, masked = frame[len(head) :][:KEY_BYTES], frame[len(head) + KEY_BYTES :]
    assert frame.startswith(head)
    assert mask(masked, key) == message


def test_each_frame_has_a_key_of_its_own() -> None:
    assert len({masked_frame(b"same") for _ in range(8)}) == 8
