"""Reserved slots under attack: connections that never join hold all that they can get."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from tests.broker.fakes import Device, Relay, channel_of_vault
from vaultrelay.broker.reserved_slots import ReservedSlots
from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.budgets import Budgets, OverBudget
from vaultrelay.policy.limits.networks import (
    LINE_FACTOR,
    RESERVED_PER_ADDRESS,
    RESERVED_PER_CHANNEL,
    SITE_FACTOR,
)
from vaultrelay.policy.limits.reserved import (
    RESERVED_DEBT_SECONDS,
    RESERVED_GRACE_SECONDS,
    RESERVED_GROUPS,
    RESERVED_SLOTS,
)

RENEWED_SECONDS = 2.7
"""After which the attacker hangs up and connects anew, before others are preferred."""
TICK_SECONDS = 0.3
VICTIM, VICTIM_VAULT = "203.0.113.1", 500
SHARED = ["127.0.0.1"]
"""Is not counted: as a proxy that is not trusted, through which all come."""
FEW, MANY = range(3), range(40)
IPV4 = [f"198.51.100.{number}" for number in FEW]
IPV6_LINE = [f"2001:db8:1:1{number:02x}::1" for number in FEW]
SITES = [f"2001:db8:{number:x}::1" for number in MANY]
PLACES = 400


class Story:
    """A full relay, in which an attacker has one device in each of some vaults."""

    def __init__(
        self, addresses: list[str], vaults: int, victim: str = VICTIM, places: int = PLACES
    ) -> None:
        room = vaults + 1 if places == PLACES else PLACES
        self.relay = Relay(max_connections=room, places=places)
        self.tries = RESERVED_SLOTS
        self._addresses, self._vaults = addresses, vaults
        self._held: list[Device] = []
        self._turn = count()
        for vault in range(vaults):
            assert self.answer(addresses[vault % len(addresses)], vault) == "joined"
        assert self.answer(victim, VICTIM_VAULT) == "joined"

    @contextmanager
    def upgrade_budgets(self, address: str) -> Iterator[Budgets]:
        book = self.relay.broker.budgets
        budgets = book.arrive(read_address(address), self.relay.clock.seconds())
        yield budgets
        book.leave(budgets)

    def connect(self, address: str, vault: int) -> Device | None:
        """A device, if it is admitted."""
        named = channel_of_vault(vault)
        with suppress(OverBudget), self.upgrade_budgets(address) as budgets:
            if self.relay.refusal_of(named, budgets) is not None:
                return None
            return self.relay.connect(1, vault, named, budgets)
        return None

    def answer(self, address: str, vault: int) -> str:
        """How a device fares that joins at once: "joined", or how it does not."""
        device = self.connect(address, vault)
        if device is None:
            return "refused"
        return device.join().closed() or "joined"

    def attack(self, seconds: float, vaults: range | None = None) -> int:
        """Take slots and renew them for so long; how many are held in the end."""
        vaults = vaults or range(self._vaults)
        for _ in range(round(seconds / TICK_SECONDS)):
            self.relay.clock.advance(TICK_SECONDS)
            self.relay.broker.tick()
            for device in [each for each in self._held if each.closed()]:
                self._held.remove(device)
            for device in [each for each in self._held if self._is_due(each)]:
                self._held.remove(device)
                device.leave()
            for number in (next(self._turn) for _ in range(self.tries)):
                address = self._addresses[number % len(self._addresses)]
                new = self.connect(address, vaults[number % len(vaults)])
                if new is not None:
                    self._held.append(new)
        return sum(not each.closed() for each in self._held)

    def _is_due(self, device: Device) -> bool:
        return self.relay.clock.seconds() - device.session.opened_at > RENEWED_SECONDS


@pytest.mark.parametrize(
    ("addresses", "vaults", "held"),
    [
        (SHARED, 1, RESERVED_PER_CHANNEL),
        (SHARED, 2, 2 * RESERVED_PER_CHANNEL),
        (IPV4[:1], 16, RESERVED_PER_ADDRESS),
        (IPV4, 16, int(RESERVED_PER_ADDRESS * SITE_FACTOR)),
        (IPV6_LINE, 16, int(RESERVED_PER_ADDRESS * LINE_FACTOR)),
        (SITES[:1], 16, RESERVED_PER_ADDRESS),
        (SITES, 1, RESERVED_PER_CHANNEL),
        (SITES, 16, RESERVED_SLOTS),
        (SHARED, 16, RESERVED_SLOTS),
    ],
)
def test_nobody_holds_more_than_a_few(addresses: list[str], vaults: int, held: int) -> None:
    story = Story(addresses, vaults)
    assert story.attack(1) == held
    expected = "joined" if held < RESERVED_SLOTS else "refused"
    assert story.answer(VICTIM, VICTIM_VAULT) == expected


@pytest.mark.parametrize("victim", [VICTIM, "127.0.0.1"])
@pytest.mark.parametrize(
    ("addresses", "vaults"),
    [(SHARED, 1), (SHARED, 16), (IPV4, 16), (IPV6_LINE, 40), (SITES, 1), (SITES, 16), (SITES, 40)],
)
def test_a_device_always_gets_a_slot_soon(addresses: list[str], vaults: int, victim: str) -> None:
    """At the first try, when all that the attacker has was used once."""
    story = Story(addresses, vaults, victim)
    story.attack(-(-vaults // RESERVED_SLOTS) * (RESERVED_GRACE_SECONDS + TICK_SECONDS))
    for _ in range(9):
        assert story.attack(0.7)
        assert story.answer(victim, VICTIM_VAULT) == "joined"


def test_a_device_behind_a_full_address_gets_a_slot_soon() -> None:
    """The relay has room, but the address, which many share, has none."""
    story = Story([VICTIM], 2 * RESERVED_PER_ADDRESS, VICTIM, 2 * RESERVED_PER_ADDRESS + 1)
    # More than this would meet the rate of the address, and so would all behind it.
    story.tries = 3
    assert story.answer(VICTIM, VICTIM_VAULT + 1) == "refused"
    for seconds in (4 * RESERVED_GRACE_SECONDS, *[0.7] * 9):
        assert story.attack(seconds)
        assert story.answer(VICTIM, VICTIM_VAULT) == "joined"


def test_a_stranger_who_names_the_channel_of_a_device_does_not_keep_it_out() -> None:
    story = Story(SITES, 40)
    story.attack(RESERVED_DEBT_SECONDS, vaults=range(VICTIM_VAULT, VICTIM_VAULT + 1))
    story.attack(RESERVED_GRACE_SECONDS + TICK_SECONDS)
    for _ in range(10):
        story.attack(RENEWED_SECONDS, vaults=range(VICTIM_VAULT, VICTIM_VAULT + 1))
        assert story.answer(VICTIM, VICTIM_VAULT) == "joined"


def test_neighbours_are_preferred_to_the_address_that_held_slots() -> None:
    story = Story(["198.51.100.1", "198.51.100.2"], 16, victim="198.51.100.3")
    story.attack(2 * RESERVED_GRACE_SECONDS)
    assert story.answer("198.51.100.3", VICTIM_VAULT) == "joined"


def test_a_slot_is_sure_for_a_device_whose_hello_takes_its_time() -> None:
    story = Story(SITES, 40)
    slow = story.connect(VICTIM, VICTIM_VAULT)
    story.attack(RESERVED_GRACE_SECONDS - TICK_SECONDS)
    assert slow is not None
    assert slow.join().closed() == ""


def test_devices_that_join_at_once_are_not_held_to_have_held_slots() -> None:
    story = Story(SHARED, 1)
    for _ in range(100):
        story.relay.clock.advance(TICK_SECONDS)
        assert story.answer(VICTIM, VICTIM_VAULT) == "joined"
    story.attack(1)
    assert story.answer(VICTIM, VICTIM_VAULT) == "joined"


def test_what_held_slots_is_forgotten_in_time() -> None:
    story = Story(SITES, 40)
    story.attack(10)
    slots = story.relay.broker.admission.reserved
    assert slots.count
    story.relay.wait(int(RESERVED_DEBT_SECONDS + RESERVED_GRACE_SECONDS) + 10)
    assert slots.count == 0


def replace(story: Story, vault: int) -> None:
    """By a reserved slot, so that the channel is empty for a moment."""
    device = story.connect(SHARED[0], vault)
    if device is not None:
        device.join()


def come_again(story: Story, vault: int) -> None:
    """With nobody in the channel, whose place is free for a moment."""
    for session in tuple(story.relay.broker.channels[channel_of_vault(vault)].sessions.values()):
        session.connection_lost(clean=True)
    assert story.answer(SHARED[0], vault) == "joined"


@pytest.mark.parametrize("renew", [replace, come_again])
@pytest.mark.parametrize("vaults", [1, 2, 4, 8, 16])
def test_a_channel_that_was_empty_for_a_moment_is_not_a_new_one(
    renew: Callable[[Story, int], None], vaults: int
) -> None:
    """The devices of an attacker leave and join again before its connections give way."""
    story = Story(SHARED, vaults)
    story.attack(2 * RESERVED_GRACE_SECONDS)
    answers = Counter[str]()
    for _ in range(10):
        for vault in range(vaults):
            renew(story, vault)
        assert story.attack(RENEWED_SECONDS - TICK_SECONDS) <= vaults * RESERVED_PER_CHANNEL
        answers[story.answer(VICTIM, VICTIM_VAULT)] += 1
    assert answers == {"joined": 10}


def test_few_groups_are_remembered() -> None:
    slots, relay = ReservedSlots(), Relay()
    held = relay.connect().session
    kept = slots.take(held, [(b"relay", 16)], 0)
    for number in range(RESERVED_GROUPS + 10):
        session = relay.connect().session
        slots.release(slots.take(session, [(str(number).encode(), 4)], 0), 1)
    assert slots.count == RESERVED_GROUPS
    assert slots.taken(b"relay") == 1
    slots.release(kept, 1)


def test_a_group_that_takes_a_slot_again_is_kept_beyond_those_without_one() -> None:
    slots, relay = ReservedSlots(), Relay()
    session = relay.connect().session
    slots.release(slots.take(session, [(b"back", 4)], 0), 1)
    held = slots.take(session, [(b"back", 4)], 2)
    assert slots.count == 1
    for number in range(RESERVED_GROUPS + 10):
        slots.release(slots.take(session, [(str(number).encode(), 4)], 2), 3)
    assert slots.count == RESERVED_GROUPS
    assert slots.taken(b"back") == 1
    slots.release(held, 4)
    assert slots.taken(b"back") == 0


def test_groups_are_forgotten_as_their_debts_end() -> None:
    slots, relay = ReservedSlots(), Relay()
    session = relay.connect().session
    slots.release(slots.take(session, [(b"short", 4)], 0), 0)
    slots.release(slots.take(session, [(b"long", 4)], 0), RESERVED_GRACE_SECONDS)
    slots.forget(RESERVED_GRACE_SECONDS)
    assert slots.count == 1
    slots.forget(RESERVED_GRACE_SECONDS + RESERVED_DEBT_SECONDS - 1)
    assert slots.count == 1
    slots.forget(RESERVED_GRACE_SECONDS + RESERVED_DEBT_SECONDS)
    assert slots.count == 0
