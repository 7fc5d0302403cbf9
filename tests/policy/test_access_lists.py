"""Access lists: the files of tokens and channels, and what is said of bad lines."""

import pytest

from vaultrelay.policy import access_lists
from vaultrelay.policy.access import digest_of
from vaultrelay.policy.access_lists import BadLine, read_channels, read_tokens
from vaultrelay.policy.limits import SHORTEST_TOKEN
from vaultrelay.wire import base64url

PLAIN = "a-token-of-the-operators"
HASHED = f"anna-phone:{digest_of(b'another-token').hex()}"
CHANNEL = base64url.encode(bytes(range(32)))


def test_tokens_are_plain_or_hashed() -> None:
    tokens = read_tokens(f"# Of the family\n\n  {PLAIN}  \r\n{HASHED} # her old one\n")
    assert len(tokens) == 2
    assert tokens.find(PLAIN.encode()) == digest_of(PLAIN.encode())
    assert tokens.find(b"another-token") == digest_of(b"another-token")
    assert tokens.find(HASHED.encode()) is None


def test_a_hash_may_be_in_upper_case() -> None:
    label, _, digest = HASHED.partition(":")
    assert read_tokens(f"{label}:{digest.upper()}") == read_tokens(HASHED)


def test_the_same_token_twice_is_one() -> None:
    assert len(read_tokens(f"{PLAIN}\n{PLAIN}")) == 1


def test_a_token_may_have_a_hash_sign_inside_no_comment() -> None:
    with pytest.raises(BadLine, match="has a character that a token cannot have"):
        read_tokens("a-token-of#the-operators")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x" * (SHORTEST_TOKEN - 1), "is shorter than 16 characters, which can be guessed"),
        ("two words that are long", "has a character that a token cannot have"),
        ("p\u00e4ssword-that-is-long", "has a character that a token cannot have"),
        ("label:" + "0" * 63, "is not label:sha256"),
        ("label:" + "g" * 64, "is not label:sha256"),
        ("no label:" + "0" * 64, "is not label:sha256"),
        (":" + "0" * 64, "is not label:sha256"),
        ("x" * 33 + ":" + "0" * 64, "is not label:sha256"),
    ],
)
def test_a_bad_line_is_named_by_number_and_never_shown(line: str, why: str) -> None:
    with pytest.raises(BadLine) as caught:
        read_tokens(f"{PLAIN}\n\n{line}\n")
    assert str(caught.value).startswith(f"line 3 {why}")
    assert line not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# none\n"])
def test_a_list_of_nothing_would_let_nobody_in(text: str) -> None:
    with pytest.raises(BadLine, match="holds no token, so nobody could come in"):
        read_tokens(text)
    with pytest.raises(BadLine, match="holds no channel, so nobody could come in"):
        read_channels(text)


def test_lists_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_lists, "MOST_TOKENS", 1)
    monkeypatch.setattr(access_lists, "MOST_CHANNELS_LISTED", 1)
    with pytest.raises(BadLine, match="holds more than 1 tokens"):
        read_tokens(f"{PLAIN}\n{HASHED}")
    with pytest.raises(BadLine, match="holds more than 1 channels"):
        read_channels(f"{CHANNEL}\n{base64url.encode(bytes(32))}")


def test_channels_are_listed_by_their_address() -> None:
    assert read_channels(f"# Anna\n{CHANNEL} # the phone\n") == {bytes(range(32))}


@pytest.mark.parametrize("line", [CHANNEL[:-1], CHANNEL + "A", CHANNEL + "=", "x y", "!" * 43])
def test_a_bad_channel_is_named_by_number(line: str) -> None:
    with pytest.raises(BadLine, match=r"^line 2 is no channel: 43 characters of base64url$"):
        read_channels(f"{CHANNEL}\n{line}")
