import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire import base64url

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FUZZ = settings(deadline=None, derandomize=True, max_examples=100)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        # RFC 4648, section 10, without the padding.
        (b"", ""),
        (b"f", "Zg"),
        (b"fo", "Zm8"),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg"),
        (b"fooba", "Zm9vYmE"),
        (b"foobar", "Zm9vYmFy"),
        # The two letters in which base64url differs from base64.
        (b"\xfb\xff\xfe", "-__-"),
        (b"\x00" * 8, "AAAAAAAAAAA"),
    ],
)
def test_known_texts_both_ways(raw: bytes, text: str) -> None:
    assert base64url.encode(raw) == text
    assert base64url.decode(text, len(raw)) == raw


@FUZZ
@given(st.binary(max_size=70))
def test_every_byte_string_comes_back(raw: bytes) -> None:
    assert base64url.decode(base64url.encode(raw), len(raw)) == raw


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Zg==", 1),  # padding
        ("Zg=", 1),
        ("=Zg", 1),
        ("====", 0),
        ("Zh", 1),  # spare bits that are not zero
        ("Zm9", 2),
        ("+//+", 3),  # the alphabet of base64
        ("-_/-", 3),
        ("Zm 9v", 3),  # foreign characters
        ("Zm9v\n", 3),
        ("\tZm9v", 3),
        ("Zm9v\x00", 3),
        ("Zm9v.", 3),
        ("Zm9v!!!!", 3),
        ("Zm9é", 3),
        ("\uff3am9v", 3),
        ("Zm9\ud800", 3),
        ("Z", 0),  # six bits are no byte
        ("Zm9vY", 3),
        ("Zg", 0),  # another size
        ("Zg", 2),
        ("", 1),
        ("A" * 44, 32),
        ("A" * 42, 32),
    ],
)
def test_other_spellings_and_sizes_are_refused(text: str, size: int) -> None:
    with pytest.raises(ValueError, match=r"base64url|bytes instead of"):
        base64url.decode(text, size)


@pytest.mark.parametrize(("size", "spellings"), [(1, 4), (2, 16), (3, 64), (32, 16), (64, 4)])
def test_the_last_character_has_no_spare_bits(size: int, spellings: int) -> None:
    whole = base64url.encode(bytes(size))[:-1]
    accepted = 0
    for last in ALPHABET:
        try:
            base64url.decode(whole + last, size)
        except ValueError:
            continue
        accepted += 1
    assert accepted == spellings


@FUZZ
@given(st.text(max_size=12) | st.text(ALPHABET + "=+/", max_size=12), st.integers(0, 9))
def test_no_text_has_two_readings(text: str, size: int) -> None:
    try:
        raw = base64url.decode(text, size)
    except ValueError:
        return
    assert (len(raw), base64url.encode(raw)) == (size, text)
