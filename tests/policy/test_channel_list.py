"""ChannelList: what is in it, in any order, and what is not."""

import random

from vaultrelay.policy.channel_list import ChannelList

CHANNELS = [random.Random(number).randbytes(32) for number in range(2000)]


def made_of(channels: list[bytes]) -> ChannelList:
    return ChannelList(channels, lambda: None)


def test_it_has_each_of_its_channels_and_no_other() -> None:
    found = made_of(CHANNELS[:1000])
    assert all(channel in found for channel in CHANNELS[:1000])
    assert not any(channel in found for channel in CHANNELS[1000:])


def test_channels_next_to_each_other_hide_none_between_them() -> None:
    low, high = bytes([7, *bytes(31)]), bytes([7, *[255] * 31])
    found = made_of([low, high])
    assert low[16:] + high[:16] not in found
    assert bytes([7, 1, *bytes(30)]) not in found
    assert low in found
    assert high in found


def test_it_contains_only_whole_channels() -> None:
    found = made_of(CHANNELS)
    channel = CHANNELS[0]
    for other in b"", channel[:31], channel + b"\0", channel.hex(), None, bytearray(channel):
        assert other not in found


def test_order_and_repetition_make_no_difference() -> None:
    found = made_of(CHANNELS)
    again = made_of([*CHANNELS[::-1], *CHANNELS])
    assert found == again
    assert hash(found) == hash(again)
    assert len(again) == len(CHANNELS)
    assert sorted(again) == sorted(CHANNELS) == list(again)


def test_lists_with_other_channels_or_fewer_differ() -> None:
    assert made_of(CHANNELS[:10]) != made_of(CHANNELS[1:11])
    assert made_of(CHANNELS[:10]) != made_of(CHANNELS[:9])
    assert made_of([]) != frozenset()
    assert not made_of([])


def test_it_rests_while_it_is_made() -> None:
    rests: list[None] = []
    ChannelList(CHANNELS, lambda: rests.append(None))
    assert len(rests) > 100
