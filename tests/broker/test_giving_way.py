"""Devices whose messages take long give way to others, also while the core is not busy."""

import pytest

from tests.broker.test_core_shares import MESSAGE_SECONDS, RECEIVERS, Core, Device, ping
from vaultrelay.broker.core_shares import CoreShares

MESSAGES = 16
TURN = MESSAGES * MESSAGE_SECONDS


class Sender(Device):
    """Gives way after so many messages of each read."""

    def read(self) -> None:
        shares, session, began = self._core.shares, self.session, self._core.clock.now
        has_turn = shares.is_busy and shares.begin(session)
        count = min(self.messages, MESSAGES)
        self._core.clock.now += count * MESSAGE_SECONDS
        self.messages -= count
        self.sent += count
        session.rates.charge_deliveries(RECEIVERS * count, 0)
        shares.give_way(session, count * MESSAGE_SECONDS)
        if has_turn:
            shares.end(session)
        self.used += self._core.clock.now - began


@pytest.fixture
def core() -> Core:
    return Core()


def sender(core: Core, address: str | None, channel: bytes = b"channel") -> Sender:
    device = Sender(core, address, channel)
    core.devices.append(device)
    return device


def test_one_device_goes_on_in_a_turn_of_the_reactor(core: Core) -> None:
    crowd = [sender(core, None, b"%d" % number) for number in range(20)]
    core.turn()
    assert not core.shares.is_busy
    for _ in range(40):
        before = [each.sent for each in crowd]
        core.turn()
        went = [each.sent - old for each, old in zip(crowd, before, strict=True)]
        # Those beyond the first round of the hub have not been read at all before.
        assert sum(went) <= (1 + 4) * MESSAGES
    sent = [each.sent for each in crowd]
    assert max(sent) - min(sent) <= MESSAGES


def test_one_that_does_not_give_way_waits_for_one_turn_of_others(core: Core) -> None:
    for number in range(30):
        sender(core, None, b"%d" % number)
    chat = core.device(None, b"chat")
    chat.messages = 0
    core.run(0.2)
    for _ in range(20):
        assert ping(core, chat) <= TURN + 2 * MESSAGE_SECONDS + 0.0001
        core.run(0.01)


def test_networks_have_equal_turns_whatever_their_devices(core: Core) -> None:
    crowd = [sender(core, "198.51.100.1", b"%d" % number) for number in range(30)]
    honest = sender(core, "203.0.113.1")
    core.run(0.2)
    before, honest_before = sum(each.sent for each in crowd), honest.sent
    core.run(1)
    assert honest.sent - honest_before >= 0.9 * (sum(each.sent for each in crowd) - before)


def test_channels_of_a_network_have_equal_turns(core: Core) -> None:
    crowd = [sender(core, "198.51.100.1") for _ in range(30)]
    other = sender(core, "198.51.100.1", b"other")
    core.run(0.2)
    before, other_before = sum(each.sent for each in crowd), other.sent
    core.run(1)
    assert other.sent - other_before >= 0.9 * (sum(each.sent for each in crowd) - before)


def test_one_of_a_network_below_its_share_does_not_wait_for_others_below_theirs(
    core: Core,
) -> None:
    device = sender(core, "198.51.100.1")
    others = [core.device(f"203.0.113.{number}") for number in range(1, 21)]
    for each in core.devices:
        each.messages = 0
    core.shares.round_was_long()
    core.shares.give_way(device.session, TURN / 4)
    for each in others:
        core.shares.begin(each.session)
        core.clock.now += MESSAGE_SECONDS / 2
        core.shares.end(each.session)
    core.turn()
    assert device.is_read


def test_what_gave_way_is_charged_once_and_waits_once(core: Core) -> None:
    device, other = sender(core, "198.51.100.1"), core.device("203.0.113.1")
    shares: CoreShares = core.shares
    shares.round_was_long()
    for each in (other, device):
        shares.begin(each.session)
    core.clock.now += TURN
    shares.give_way(device.session, TURN / 2)
    shares.end(device.session)
    assert shares._queue._times[device.session.budgets[-1]] == pytest.approx(TURN)
    assert shares.waits == 1


def test_nothing_is_kept_of_those_that_gave_way(core: Core) -> None:
    for number in range(50):
        sender(core, f"198.51.100.{number}").messages = 2 * MESSAGES
    core.run(0.2)
    assert not core.shares.waiting
    assert not core.shares._queue._times


def test_one_that_gave_way_pays_for_its_network_before_it_is_read(core: Core) -> None:
    device, other = sender(core, "198.51.100.1"), core.device("203.0.113.1")
    core.shares.round_was_long()
    device.messages = other.messages = 0
    core.run(0.1)
    ping(core, other)
    core.shares.begin(device.session)
    core.clock.now += 1
    core.shares.give_way(device.session, TURN)
    core.shares.end(device.session)
    for _ in range(50):
        core.turn()
        assert not device.is_read
    core.run(0.2)
    assert device.is_read


def test_one_that_closed_while_it_waits_is_forgotten(core: Core) -> None:
    device = sender(core, "198.51.100.1")
    shares: CoreShares = core.shares
    shares.give_way(device.session, TURN)
    assert shares.waiting == 1
    shares.forget(device.session)
    assert not shares.waiting
