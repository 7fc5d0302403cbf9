"""Warnings of access: each names its thing and a cure that fits it."""

import pytest

from vaultrelay.observe.access_warnings import nobody, open_socket
from vaultrelay.policy.access import Access, Tokens
from vaultrelay.policy.networks import NO_NETWORKS, Networks
from vaultrelay.transport.listening_service import OpenSocket


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
    said = open_socket(socket).text
    assert f"the unix socket {before.strip()}" in said
    assert after.strip() in said


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (Access(Tokens([])), ["The file of --access-token-file holds no token"]),
        (Access(channels=frozenset()), ["The file of --allow-channels lists no channel"]),
        (Access(allowed=NO_NETWORKS), ["--allow-from lists no network"]),
        (
            Access(Tokens([]), frozenset(), NO_NETWORKS),
            ["holds no token", "no channel", "no network"],
        ),
        (Access(), []),
        (Access(Tokens([b"1"]), frozenset([b"2"]), Networks.read(["unix"])), []),
    ],
)
def test_each_empty_list_is_named_and_urgent(access: Access, said: list[str]) -> None:
    findings = list(nobody(access))
    assert len(findings) == len(said)
    for finding, words in zip(findings, said, strict=True):
        assert finding.is_urgent
        assert finding.text.startswith("NO DEVICE IS ADMITTED: ")
        assert words in finding.text
