"""The parts of an endpoint string: Twisted's own parsing is the reference."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

# A private function of Twisted's, in a test alone: what its plugins' strings are split with.
from twisted.internet.endpoints import _parse, quoteStringArgument

from vaultrelay.transport.endpoint_syntax import split_parts

INVALID = "invalid"
NAME_IS_NO_ASCII = "a name is no ASCII"
CHARACTERS = ":=\\tcp80/.-\0é \n\udc80"


def ours(text: str) -> object:
    try:
        return split_parts(text)
    except ValueError:
        return INVALID


def reference(text: str) -> object:
    if not text:
        # Twisted finds one part, which is empty; no part of a kind alone is one of ours.
        return [], {}
    try:
        return tuple(_parse(text))
    except UnicodeEncodeError:
        return NAME_IS_NO_ASCII
    except (ValueError, TypeError, StopIteration, RuntimeError):
        # It lets its iterator end, which Python makes a RuntimeError.
        return INVALID


@pytest.mark.parametrize(
    ("text", "unnamed", "named"),
    [
        ("", [], {}),
        ("80", ["80"], {}),
        (":", ["", ""], {}),
        ("80:", ["80", ""], {}),
        ("80:interface=127.0.0.1", ["80"], {"interface": "127.0.0.1"}),
        ("interface=a:80", ["80"], {"interface": "a"}),
        (r"80:interface=\:\:1", ["80"], {"interface": "::1"}),
        ("a=b=c", [], {"a": "b=c"}),
        ("a=", [], {"a": ""}),
        ("=a", [], {"": "a"}),
        ("=", [], {"": ""}),
        ("a=1:a=2", [], {"a": "2"}),
        (r"a\=b", ["a=b"], {}),
        (r"a\\:b", ["a\\", "b"], {}),
        (r"\a", ["a"], {}),
        ("a\nb", ["a\nb"], {}),
        ("a\\\nb", ["a\nb"], {}),
        ("/run/é:660", ["/run/é", "660"], {}),
    ],
)
def test_parts_are_split_as_by_twisted(
    text: str, unnamed: list[str], named: dict[str, str]
) -> None:
    assert split_parts(text) == (unnamed, named)
    assert reference(text) == (unnamed, named)


@pytest.mark.parametrize("text", ["\\", "80\\", "80:\\", "a=\\", "a=b\\", "\\\\\\", ":::\\"])
def test_a_backslash_at_the_end_is_refused(text: str) -> None:
    assert ours(text) == reference(text) == INVALID


PIECES = st.sampled_from(
    [":", "=", "\\", "\\:", "\\=", "\\\\", "80", "port", "interface", "::1", "", "/run/a"]
)


@given(st.one_of(st.text(CHARACTERS, max_size=12), st.lists(PIECES, max_size=10).map("".join)))
@example("a=b=c:d")
@example("a=b\\=c")
@settings(max_examples=2000)
def test_all_strings_are_split_as_by_twisted(text: str) -> None:
    """But for a name that is no ASCII: it is known by none of our kinds, which say so."""
    expected = reference(text)
    if expected == NAME_IS_NO_ASCII:
        _, named = split_parts(text.rstrip("\\"))
        assert not all(map(str.isascii, named))
    else:
        assert ours(text) == expected


# It leaves an equals sign as it is.
TEXTS = st.text(max_size=20).map(lambda text: text.replace("=", ":"))


@given(TEXTS, TEXTS)
@settings(max_examples=200)
def test_what_twisted_quotes_is_read_as_it_was(first: str, second: str) -> None:
    text = f"{quoteStringArgument(first)}:name={quoteStringArgument(second)}"
    assert split_parts(text) == ([first], {"name": second})
