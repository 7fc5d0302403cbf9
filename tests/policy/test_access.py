"""Access: who is let in, and who may stay when the rules change."""

from base64 import b64encode
from ipaddress import ip_address

import pytest

from vaultrelay.policy.access import Access, Tokens, token_of
from vaultrelay.policy.access_token import digest_of
from vaultrelay.policy.addresses import UnixPeer
from vaultrelay.policy.networks import Networks
from vaultrelay.wire.refusal import Refusal

TOKEN, OTHER = b"first-access-token", b"other-access-token"
TOKENS = Tokens([digest_of(OTHER), digest_of(TOKEN)])
CHANNEL = bytes(32)
HOME = ip_address("192.0.2.1")


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        "Bearer first-access-token",
        "bearer  first-access-token ",
        basic("any:first-access-token"),
        basic(":first-access-token"),
    ],
)
def test_a_token_comes_as_bearer_or_as_the_password_of_basic(header: str) -> None:
    assert Access(TOKENS).check_token(header) == digest_of(TOKEN)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer first-access-toke",
        "Bearer first-access-tokens",
        "Bearer FIRST-ACCESS-TOKEN",
        "Token first-access-token",
        "first-access-token",
        basic("first-access-token"),
        basic("first-access-token:"),
        basic("any:first-access-token:"),
        "Basic first-access-token",
        "Basic \u00e9\u00e9\u00e9\u00e9",
        "Bearer \u00e9",
        None,
    ],
)
def test_what_is_no_token_of_ours_is_refused(header: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        Access(Tokens([*TOKENS._digests, digest_of(b"")])).check_token(header)
    refusal = caught.value
    assert (refusal.status, refusal.error) == (401, "token_required")
    names = [name for name, _ in refusal.headers]
    assert names == ["WWW-Authenticate"] * 2
    assert ("wss://any:TOKEN@host" in refusal.detail) == (header is None)
    assert b"first" not in refusal.response()


def test_a_password_may_have_a_colon() -> None:
    assert token_of(basic("user:pass:word")) == b"pass:word"


def test_all_tokens_are_compared_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return known == given

    monkeypatch.setattr("vaultrelay.policy.access.compare_digest", compare)
    for token in (TOKEN, OTHER, b"wrong", b""):
        compared.clear()
        TOKENS.find(token)
        assert set(compared) == {digest_of(TOKEN), digest_of(OTHER)}


def test_a_relay_without_tokens_asks_for_none() -> None:
    assert Access().check_token(None) is None
    assert Access().check_token("Bearer whatever") is None


@pytest.mark.parametrize(
    ("allowed", "denied", "gets_in"),
    [
        ([], [], True),
        (["192.0.2.0/24"], [], True),
        (["198.51.100.0/24"], [], False),
        ([], ["192.0.2.1"], False),
        ([], ["192.0.2.2"], True),
        (["192.0.2.0/24"], ["192.0.2.1"], False),
    ],
)
def test_denied_beats_allowed(allowed: list[str], denied: list[str], gets_in: bool) -> None:
    access = Access(allowed=Networks.read(allowed) or None, denied=Networks.read(denied))
    assert access.allows_address(HOME) == gets_in
    if gets_in:
        access.check_address(HOME)
        return
    with pytest.raises(Refusal) as caught:
        access.check_address(HOME)
    assert (caught.value.status, caught.value.error) == (403, "address_not_allowed")
    assert b"192.0.2" not in caught.value.response()


def test_who_comes_over_a_unix_socket_has_no_address() -> None:
    assert Access().allows_address(UnixPeer.UNIX)
    assert Access(allowed=Networks.read(["unix"])).allows_address(UnixPeer.UNIX)
    assert not Access(allowed=Networks.read(["10.0.0.0/8"])).allows_address(UnixPeer.UNIX)
    assert not Access(denied=Networks.read(["unix"])).allows_address(UnixPeer.UNIX)


def test_an_address_that_is_not_known_is_on_no_list() -> None:
    every = ["unix", "0.0.0.0/0", "::/0"]
    assert Access().allows_address(None)
    assert Access(denied=Networks.read(every)).allows_address(None)
    assert not Access(allowed=Networks.read(every)).allows_address(None)
    assert not Access(allowed=Networks.read(every)).still_allows(None, None, None)


def test_without_a_list_every_channel_is_allowed() -> None:
    assert Access().allows_channel(CHANNEL)
    assert Access(channels=frozenset([CHANNEL])).allows_channel(CHANNEL)
    assert not Access(channels=frozenset([CHANNEL])).allows_channel(b"\x01" * 32)


@pytest.mark.parametrize(
    ("access", "stays"),
    [
        (Access(), True),
        (Access(TOKENS), True),
        (Access(Tokens([digest_of(OTHER)])), False),
        (Access(channels=frozenset([CHANNEL])), True),
        (Access(channels=frozenset([b"\x01" * 32])), False),
        (Access(allowed=Networks.read(["192.0.2.0/24"])), True),
        (Access(denied=Networks.read(["192.0.2.0/24"])), False),
    ],
)
def test_who_may_stay(access: Access, stays: bool) -> None:
    assert access.still_allows(HOME, digest_of(TOKEN), CHANNEL) == stays


def test_who_came_without_a_token_may_not_stay_where_one_is_asked_for() -> None:
    assert not Access(TOKENS).still_allows(HOME, None, CHANNEL)


def test_who_has_not_joined_yet_is_in_no_channel() -> None:
    assert Access(channels=frozenset([CHANNEL])).still_allows(HOME, None, None)


def test_nothing_secret_is_shown() -> None:
    shown = repr(Access(TOKENS, frozenset([CHANNEL])))
    assert "Tokens" not in shown
    assert repr(CHANNEL) not in shown


def test_tokens_are_equal_by_what_they_let_in() -> None:
    assert Tokens([b"a", b"b"]) == Tokens([b"b", b"a", b"a"])
    assert Tokens([b"a"]) != Tokens([b"b"])
    assert len({Tokens([b"a"]), Tokens([b"a"])}) == 1
