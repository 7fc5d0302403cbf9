"""Warnings of access: each names its thing and a cure that fits it."""

from typing import Any

import pytest

from tests.memory import Relay
from vaultrelay.certificates.server_certificate import utc_now
from vaultrelay.observe.access_warnings import empty_lists, open_sockets
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.policy.access import Access, Tokens
from vaultrelay.policy.networks import NO_NETWORKS, Networks
from vaultrelay.transport.listening_service import OpenSocket


def state(*, access: Access | None = None, **seen: Any) -> RelayState:
    relay = Relay(access=access or Access())
    return RelayState(settings=relay.service.settings, broker=relay.broker, now=utc_now(), **seen)


@pytest.mark.parametrize(
    ("socket", "cure"),
    [
        (OpenSocket("/run/x", 0o666, False), "/run/x (mode 666), .* Set mode=660 in its endpoint"),
        (OpenSocket("/run/x", 0o777, False), "/run/x (mode 777), .* Set mode=770 in its endpoint"),
        (OpenSocket("/run/x", 0o602, False), "/run/x (mode 602), .* Set mode=600 in its endpoint"),
        (OpenSocket("/run/x", 0o666, True), "/run/x (mode 666), .* Set SocketMode=0660 in its "),
        (OpenSocket("@x", None, True), "@x (abstract, so it has no mode), .* Give it a path"),
    ],
)
def test_an_open_socket_is_named_with_the_place_of_its_mode(socket: OpenSocket, cure: str) -> None:
    before, _, after = cure.partition(".*")
    (said,) = open_sockets(state(open_sockets=(socket,)))
    assert f"the unix socket {before.strip()}" in said
    assert after.strip() in said


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (Access(Tokens([])), ["the file of --access-token-file contains no token"]),
        (Access(channels=frozenset()), ["the file of --allow-channels contains no channel"]),
        (Access(allowed=NO_NETWORKS), ["--allow-from lists no network"]),
        (
            Access(Tokens([]), frozenset(), NO_NETWORKS),
            ["contains no token", "no channel", "no network"],
        ),
        (Access(), []),
        (Access(Tokens([b"1"]), frozenset([b"2"]), Networks.read(["unix"])), []),
    ],
)
def test_each_empty_list_is_named(access: Access, said: list[str]) -> None:
    texts = empty_lists(state(access=access))
    assert len(texts) == len(said)
    for text, words in zip(texts, said, strict=True):
        assert text.startswith("NO DEVICE IS ADMITTED: ")
        assert words in text
