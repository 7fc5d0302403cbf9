"""Log names: what a line tells of an address and a channel, in each way."""

from ipaddress import ip_address

import pytest

from vaultrelay.logs.naming import WAYS, Names
from vaultrelay.policy.addresses import UnixPeer
from vaultrelay.policy.limits.logs import PSEUDONYM_SECONDS

DEVICE = ip_address("2001:db8::7")
CHANNEL = bytes(range(32))


class Clock:
    """A wall clock that a test sets."""

    now = 1e9

    def __call__(self) -> float:
        return self.now


def names_of(way: str, clock: Clock | None = None) -> Names:
    names = Names(clock or Clock())
    names.way = way
    return names


def test_pseudonyms_are_the_way_until_one_is_set() -> None:
    assert Names().way == "pseudonym"
    assert WAYS == ("none", "pseudonym", "full")


def test_none_names_nobody() -> None:
    assert names_of("none").of(DEVICE, CHANNEL) == {}


@pytest.mark.parametrize(("way", "address"), [("pseudonym", "a-"), ("full", "2001:db8::7")])
def test_the_address_is_named_as_chosen_and_the_channel_never_in_full(
    way: str, address: str
) -> None:
    told = names_of(way).of(DEVICE, CHANNEL)
    assert told["address"].startswith(address)
    assert told["channel"].startswith("c-")
    assert list(told) == ["address", "channel"]


@pytest.mark.parametrize("way", ["pseudonym", "full"])
def test_an_address_that_is_not_known_is_said_to_be(way: str) -> None:
    assert names_of(way).of(None) == {"address": "unknown"}
    assert names_of(way).of(UnixPeer.UNIX) == {"address": "unknown"}


def test_the_same_day_is_the_same_name_and_the_next_is_not() -> None:
    clock = Clock()
    names = names_of("pseudonym", clock)
    first = names.of(DEVICE, CHANNEL)
    clock.now += 60
    assert names.of(DEVICE, CHANNEL) == first
    clock.now += PSEUDONYM_SECONDS
    later = names.of(DEVICE, CHANNEL)
    assert not set(later.values()) & set(first.values())


def test_what_is_set_counts_from_the_next_line_on_and_keeps_the_names_of_the_day() -> None:
    names = names_of("pseudonym")
    before = names.of(DEVICE, CHANNEL)
    names.way = "full"
    assert names.of(DEVICE, CHANNEL)["channel"] == before["channel"]
    names.way = "pseudonym"
    assert names.of(DEVICE, CHANNEL) == before
