"""Access lists: the files of tokens and channels, and what is said of bad lines."""

import pytest

from vaultrelay.policy import access_lists
from vaultrelay.policy.access_lists import BadLine, read_channels, read_token_lines, read_tokens
from vaultrelay.policy.access_token import digest_of
from vaultrelay.policy.limits.access import MIN_TOKEN_CHARS
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
        ("x" * (MIN_TOKEN_CHARS - 1), "is shorter than 16 characters, so it can be guessed"),
        ("p\u00e4ssword-that-is-long", "has a character that a token cannot have"),
        ("label:" + "0" * 63, "is not label:sha256"),
        ("label:" + "g" * 64, "is not label:sha256"),
        ("no label:" + "0" * 64, "is not label:sha256"),
        (":" + "0" * 64, "is not label:sha256"),
        ("x" * 33 + ":" + "0" * 64, "is not label:sha256"),
        (f"anna: {PLAIN}", "is not label:sha256"),
        (f"anna:{PLAIN}", "is not label:sha256"),
        (f"anna: {HASHED.partition(':')[2]}", "is not label:sha256"),
        (f"wss://any:{PLAIN}@relay.example.org", "is not label:sha256"),
        (f"Authorization: Bearer {PLAIN}", "is not label:sha256"),
        (f"any:{PLAIN}", "is not label:sha256"),
        (f"TOKEN={PLAIN}", "contains more than a token: remove the name and the = before it"),
        (f"anna={PLAIN}", "contains more than a token"),
        (f"anna={digest_of(b'another-token').hex()}", "contains more than a token"),
        (f"RELAY_ACCESS_TOKEN={PLAIN}==", "contains more than a token"),
        ("RELAY_ACCESS_TOKEN=", "contains more than a token"),
        (f"=={PLAIN}", "contains more than a token"),
        (f"token?={PLAIN}", "contains more than a token"),
        (f'"{PLAIN}"', "has quotation marks: remove them"),
        (f"'{PLAIN}'", "has quotation marks"),
        (f"\u201c{PLAIN}\u201d", "has quotation marks"),
        (f'"{PLAIN}",', "has quotation marks"),
        (f'TOKEN="{PLAIN}"', "has quotation marks"),
        (f"Bearer {PLAIN}", "has white space inside: write only the token"),
        (f"export TOKEN={PLAIN}", "has white space inside"),
        (f"anna = {PLAIN}", "has white space inside"),
        (f"- {PLAIN}", "has white space inside"),
        (f"{PLAIN} {PLAIN}", "has white space inside"),
        (f"{PLAIN}\t2026-11-22", "has white space inside"),
        (f"{PLAIN}\u00a0x", "has white space inside"),
        (f"{digest_of(b'another-token').hex()}  -", "has white space inside"),
        (f"{PLAIN}\r{PLAIN}", "has white space inside"),
        (f"{PLAIN},", "has a character that a token cannot have"),
        (f"[{PLAIN}]", "has a character that a token cannot have"),
        (f"{PLAIN}\0", "has a character that a token cannot have"),
        (f"{PLAIN}%3D", "has a character that a token cannot have"),
        (f"//{PLAIN}@host", "has a character that a token cannot have"),
        ("token-2026-11-22", "is a label without its hash"),
        ("----------------", "has fewer than 5 different characters, so it can be guessed"),
        ("xxxxxxxxxxxxxxxxxxxx", "has fewer than 5 different characters"),
        ("-=-=-=-=-=-=-=-=-=-=", "contains more than a token"),
        ("anna:" + digest_of(b"").hex(), "is the hash of an empty token"),
        ("anna:" + digest_of(b"\n").hex().upper(), "is the hash of an empty token"),
    ],
)
def test_a_bad_line_is_named_by_number_and_never_shown(line: str, why: str) -> None:
    with pytest.raises(BadLine) as caught:
        read_tokens(f"{PLAIN}\n\n{line}\n")
    assert str(caught.value).startswith(f"line 3 {why}")
    assert line not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# none\n", " \t\r\n  # none"])
def test_a_list_may_be_empty(text: str) -> None:
    assert len(read_tokens(text)) == 0
    assert list(read_channels(text)) == []


@pytest.mark.parametrize(
    "line",
    [
        "MDEyMzQ1Njc4OWFiY2RlZg==",
        "MDEyMzQ1Njc4OWFiY2Rl",
        "5f1c7d2e9b3a4c6d8e0f5f1c7d2e9b3a4c6d8e0f5f1c7d2e9b3a4c6d8e0f1234",
        "eyJhbGciOi.eyJzdWIiOi.SflKxwRJ_SM-eKK",
        "correct-horse-battery-staple",
        "/+a/long-base64+token/",
        "x7~k.3_-9+2/q1w5",
    ],
)
def test_what_programs_make_for_tokens_is_taken(line: str) -> None:
    assert read_tokens(line).find(line.encode()) == digest_of(line.encode())


def test_lines_of_tokens_have_numbers_and_labels_and_show_no_hash() -> None:
    plain, hashed = read_token_lines(f"# x\n{PLAIN}\n\n{HASHED}\n")
    assert (plain.number, plain.label) == (2, "")
    assert (hashed.number, hashed.label) == (4, "anna-phone")
    assert hashed.digest.hex() not in repr(hashed)
    assert str(hashed.digest) not in repr(hashed)


def test_lists_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_lists, "MAX_TOKENS", 1)
    monkeypatch.setattr(access_lists, "MAX_CHANNELS_LISTED", 1)
    with pytest.raises(BadLine, match="contains more than 1 tokens"):
        read_tokens(f"{PLAIN}\n{HASHED}")
    with pytest.raises(BadLine, match="contains more than 1 channels"):
        read_channels(f"{CHANNEL}\n{base64url.encode(bytes(32))}")


def test_channels_are_listed_by_their_address() -> None:
    assert list(read_channels(f"# Anna\n{CHANNEL} # the phone\n")) == [bytes(range(32))]


@pytest.mark.parametrize("line", [CHANNEL[:-1], CHANNEL + "A", CHANNEL + "=", "x y", "!" * 43])
def test_a_bad_channel_is_named_by_number(line: str) -> None:
    with pytest.raises(BadLine, match=r"^line 2 is not a channel: 43 characters of base64url$"):
        read_channels(f"{CHANNEL}\n{line}")
