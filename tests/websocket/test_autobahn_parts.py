"""What takes the place of Autobahn's masker and validator does what they do."""

import os
import subprocess
import sys

import pytest
from autobahn.websocket import protocol
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import mask
from vaultrelay.websocket.autobahn_parts import Masker, Utf8Validator

CUTS = st.lists(st.integers(0, 7), min_size=1, max_size=6)
TEXTS = st.one_of(
    st.text(max_size=12).map(str.encode),
    st.binary(max_size=12),
    st.lists(
        st.sampled_from(
            [b"a", b"\xc3", b"\xa9", b"\xe2", b"\x82", b"\xed", b"\xed\xa0", b"\xf4\x90"]
        ),
        max_size=6,
    ).map(b"".join),
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    found, turn = [], 0
    while data:
        size = cuts[turn % len(cuts)] or 1
        found.append(data[:size])
        data, turn = data[size:], turn + 1
    return found


@given(st.binary(max_size=60), st.binary(min_size=4, max_size=4), CUTS)
def test_masking_does_not_depend_on_where_it_is_cut(
    data: bytes, key: bytes, cuts: list[int]
) -> None:
    masker = Masker(key, len(data))
    assert b"".join(map(masker.process, pieces(data, cuts))) == mask(data, key)
    assert masker.pointer() == len(data)


def begins_utf8(data: bytes) -> bool:
    """Whether some UTF-8 text begins with these bytes, found by trying its last character."""
    for size in range(4):
        whole, cut = data[: len(data) - size], data[len(data) - size :]
        try:
            whole.decode()
        except ValueError:
            continue
        if not cut or cut in BEGINNINGS:
            return True
    return False


BEGINNINGS = {
    encoded[:size]
    for code in (*range(0x80, 0x3000, 16), *range(0x3000, 0x110000, 64))
    if not 0xD800 <= code < 0xE000
    for encoded in [chr(code).encode()]
    for size in range(1, len(encoded))
}


@given(TEXTS, CUTS)
@settings(max_examples=500)
def test_a_text_is_refused_at_the_piece_in_which_it_goes_wrong(
    text: bytes, cuts: list[int]
) -> None:
    validator, seen = Utf8Validator(), b""
    for piece in pieces(text, cuts):
        seen += piece
        valid, whole, *_ = validator.validate(piece)
        assert valid == begins_utf8(seen)
        if valid:
            assert whole == is_utf8(seen)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("cut", [b"\xed\xa0", b"\xf4\x90", b"\xc0", b"\xf5", b"\xe0\x80"])
def test_what_no_byte_can_save_is_refused_before_it_is_whole(cut: bytes) -> None:
    validator = Utf8Validator()
    assert validator.validate(b"ab" + cut)[:2] == (False, False)
    assert validator.validate(b"c")[0] is False, "once wrong, always wrong"
    validator.reset()
    assert validator.validate(b"c") == (True, True, 1, 1)


@pytest.mark.parametrize("nvx", ["0", "1"])
def test_autobahn_takes_them_with_and_without_its_compiled_part(nvx: str) -> None:
    asked = (
        "import vaultrelay.websocket.factory\n"
        "from autobahn.websocket import USES_NVX, protocol\n"
        "print(int(USES_NVX), protocol.create_xor_masker.__module__)"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"AUTOBAHN_USE_NVX": nvx},
    )
    assert told.stdout == f"{nvx} vaultrelay.websocket.autobahn_parts\n"
    assert vars(protocol)["Utf8Validator"] is Utf8Validator
