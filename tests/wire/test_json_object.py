import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire.json_object import BadControl, read_object, write_object

FUZZ = settings(deadline=None, derandomize=True, max_examples=100)


def test_an_object_is_written_compactly_in_ascii_with_its_type_first() -> None:
    assert write_object("left", session=9, reason="ü\n", list=[1, None], more={"a": True}) == (
        b'{"type":"left","session":9,"reason":"\\u00fc\\n","list":[1,null],"more":{"a":true}}'
    )


@pytest.mark.parametrize(
    "text",
    [
        b'{"number":1,"text":"\xc3\xbc","list":[1,2]}',
        b' {\t"list" : [1, 2],\r\n"text":"\\u00FC", "number": 1 } \n',
        b'{"text":"\xc3\xbc","list":[1,2],"number":1,"later":{"number":1e999,"a":[{}]}}',
    ],
)
def test_fields_are_read_whatever_their_order_and_their_neighbours(text: bytes) -> None:
    fields = read_object(text)
    assert fields.integer("number") == 1
    assert fields.text("text", longest=1) == "ü"
    assert fields.pair_within("list", (1, 2)) == (1, 2)


def test_names_may_come_again_in_another_object() -> None:
    fields = read_object(b'{"a":{"a":1},"b":[{"a":2},{"a":3}]}')
    assert fields.object("a").integer("a") == 1
    assert [inner.integer("a") for inner in fields.objects("b", 2)] == [2, 3]


BAD_JSON = [
    b"",
    b" ",
    b"null",
    b"3",
    b'"a"',
    b"[]",
    b'["a",1]',
    b"{",
    b"{'a':1}",
    b"{a:1}",
    b'{"a":1',
    b'{"a":1,}',
    b'{"a" 1}',
    b'{"a":1}{}',
    b'{"a":1}\x00',
    b'\x0b{"a":1}',
    b'{"a":+1}',
    b'{"a":01}',
    b'{"a":0x1}',
    b'{"a":1_0}',
    b'{"a":.5}',
    b'{"a":NaN}',
    b'{"a":[Infinity]}',
    b'{"a":-Infinity}',
    b'{"a":True}',
    b'{"a":1}//',
    # Control bytes in a text.
    b'{"a":"a\nb"}',
    b'{"a":"\x00"}',
    # A name that comes twice.
    b'{"a":1,"a":1}',
    b'{"a":1,"b":2,"a":3}',
    b'{"a_b":1,"a\\u005fb":1}',
    b'{"later":[{"a":1,"a":1}]}',
    # Not UTF-8: a stray byte, an overlong NUL, half of a surrogate pair, beyond U+10FFFF.
    b'{"a":"\xff"}',
    b'{"a":"\xc0\x80"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xf4\x90\x80\x80"}',
    # Deep, and long.
    b"[" * 4096,
    b"[" * 1_000_000,
    b'{"a":' * 819,
    b'{"a":' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("text", BAD_JSON, ids=lambda text: repr(text[:24]))
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(BadControl):
        read_object(text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_json_in_another_encoding_than_utf8_is_refused(encoding: str) -> None:
    with pytest.raises(BadControl):
        read_object('{"a":1}'.encode(encoding))


@FUZZ
@given(st.binary(max_size=30) | st.text('{}[]",:0123456789.eE+-truefalsn\\ ', max_size=30))
def test_whatever_comes_is_an_object_to_every_reader_or_refused(found: bytes | str) -> None:
    text = found.encode() if isinstance(found, str) else found
    try:
        read_object(text)
    except BadControl:
        return
    assert isinstance(json.loads(text.decode()), dict)


def test_deep_nesting_is_read_or_refused_as_the_python_can() -> None:
    """3.11 gives up after hundreds of levels, 3.13 reads on; a message holds no more than that."""
    with suppress(BadControl):
        read_object(b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}")
