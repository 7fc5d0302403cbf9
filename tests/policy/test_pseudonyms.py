"""Pseudonyms: the same for a day, another on the next, and of nobody without the key."""

import re
from ipaddress import ip_address
from itertools import count

import pytest

from vaultrelay.policy.limits.logs import PSEUDONYM_CHARACTERS, PSEUDONYM_SECONDS
from vaultrelay.policy.pseudonyms import Pseudonyms

MIDNIGHT = 20_000.0 * PSEUDONYM_SECONDS
LAST_MOMENT = MIDNIGHT + PSEUDONYM_SECONDS - 0.001
NEXT_DAY = MIDNIGHT + PSEUDONYM_SECONDS
DEVICE = ip_address("192.0.2.1")
CHANNEL = bytes(range(32))


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    """With keys that are the same on every run."""
    numbers = count()
    return Pseudonyms(lambda: next(numbers).to_bytes(32, "big"))


def test_they_are_short_and_readable(pseudonyms: Pseudonyms) -> None:
    characters = f"[0-9a-hjkmnp-tv-z]{{{PSEUDONYM_CHARACTERS}}}"
    assert re.fullmatch(f"a-{characters}", pseudonyms.of_address(DEVICE, MIDNIGHT))
    assert re.fullmatch(f"c-{characters}", pseudonyms.of_channel(CHANNEL, MIDNIGHT))


def test_they_hold_from_midnight_to_midnight(pseudonyms: Pseudonyms) -> None:
    names = [pseudonyms.of_address(DEVICE, now) for now in (MIDNIGHT, LAST_MOMENT, NEXT_DAY)]
    assert names[0] == names[1] != names[2]
    names = [
        pseudonyms.of_channel(CHANNEL, now) for now in (NEXT_DAY, NEXT_DAY + PSEUDONYM_SECONDS)
    ]
    assert names[0] != names[1]


def test_a_clock_that_is_set_back_brings_no_name_back(pseudonyms: Pseudonyms) -> None:
    before = pseudonyms.of_address(DEVICE, MIDNIGHT)
    pseudonyms.of_address(DEVICE, NEXT_DAY)
    assert pseudonyms.of_address(DEVICE, MIDNIGHT) != before


def test_the_key_of_yesterday_is_not_kept(pseudonyms: Pseudonyms) -> None:
    pseudonyms.of_address(DEVICE, MIDNIGHT)
    yesterday = pseudonyms._key
    pseudonyms.of_address(DEVICE, NEXT_DAY)
    assert yesterday not in vars(pseudonyms).values()


def test_two_relays_do_not_use_the_same_key() -> None:
    first, second = Pseudonyms(), Pseudonyms()
    assert first.of_channel(CHANNEL, MIDNIGHT) != second.of_channel(CHANNEL, MIDNIGHT)
    assert first._key != second._key
    assert len(first._key) == 32


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "c000:201::", False),
    ],
)
def test_an_address_is_all_of_ipv4_and_the_network_of_ipv6(
    pseudonyms: Pseudonyms, one: str, other: str, same: bool
) -> None:
    names = {pseudonyms.of_address(ip_address(text), MIDNIGHT) for text in (one, other)}
    assert len(names) == (1 if same else 2)


def test_an_address_and_a_channel_of_the_same_bytes_are_not_recognised(
    pseudonyms: Pseudonyms,
) -> None:
    address = pseudonyms.of_address(DEVICE, MIDNIGHT)
    channel = pseudonyms.of_channel(DEVICE.packed, MIDNIGHT)
    assert address[2:] != channel[2:]


def test_a_thousand_devices_have_a_thousand_names(pseudonyms: Pseudonyms) -> None:
    names = {pseudonyms.of_channel(number.to_bytes(32, "big"), MIDNIGHT) for number in range(1000)}
    assert len(names) == 1000
