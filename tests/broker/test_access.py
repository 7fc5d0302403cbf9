"""Access at the broker: channels that are not allowed, and sessions that may not stay."""

from ipaddress import ip_address

import pytest

from tests.broker.fakes import Relay, channel_of_vault
from vaultrelay.policy.access import Access, Tokens
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins

KICKED = "4510 kicked"
FIRST = frozenset([channel_of_vault(1)])


def test_devices_meet_on_allowed_channels_alone() -> None:
    relay = Relay()
    relay.allow(Access(channels=FIRST))
    assert relay.join(1, vault=1).closed() == ""
    refused = relay.connect(2, vault=2)
    refused.join()
    assert refused.closed() == "4506 not_allowed"
    assert relay.broker.counters.refused["not_allowed"] == 1


@pytest.mark.parametrize(
    "access",
    [
        Access(Tokens([b"another"])),
        Access(channels=FIRST),
        Access(denied=Networks.read(["192.0.2.2"])),
    ],
)
def test_who_may_not_be_here_any_more_is_closed_and_peers_learn_it(access: Access) -> None:
    relay = Relay()
    stays, goes, peer = relay.join(1, vault=1), relay.join(2, vault=2), relay.join(3, vault=2)
    for device, token, host in ((stays, b"another", 1), (goes, b"gone", 2), (peer, b"gone", 2)):
        device.session.token = token
        device.session.address = ip_address(f"192.0.2.{host}")
    if access.tokens:
        peer.session.token = b"another"
    assert relay.allow(access) == (1 if access.tokens else 2)
    assert (stays.closed(), goes.closed()) == ("", KICKED)
    assert peer.closed() == ("" if access.tokens else KICKED)
    assert relay.broker.counters.closed["kicked"] == (1 if access.tokens else 2)


def test_who_has_not_joined_is_closed_by_the_channel_that_was_named() -> None:
    relay = Relay()
    named = relay.connect(1, vault=2, named=channel_of_vault(2))
    silent = relay.connect(1, vault=2)
    relay.allow(Access(channels=FIRST))
    assert (named.closed(), silent.closed()) == (KICKED, "")
    silent.join()
    assert silent.closed() == "4506 not_allowed"


def test_rules_that_allow_as_much_close_nobody() -> None:
    relay = Relay()
    device = relay.join(1)
    assert relay.allow(Access(channels=FIRST)) == 0
    assert device.closed() == ""


def test_web_pages_whose_origin_was_taken_off_the_list_are_closed() -> None:
    relay = Relay()
    native, listed, other = relay.join(1), relay.join(2), relay.join(3)
    listed.session.origin, other.session.origin = "https://app.example", "https://evil.example"
    origins = Origins.read(["https://app.example"])
    assert relay.allow(Access(origins=origins)) == 1
    assert (native.closed(), listed.closed(), other.closed()) == ("", "", KICKED)
    assert relay.allow(Access(origins=Origins())) == 1
    assert (native.closed(), listed.closed()) == ("", KICKED)
