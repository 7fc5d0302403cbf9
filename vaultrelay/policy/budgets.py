"""Budgets: what each network has open, and how fast it connects. Knows no clock.

Networks are nested: an address, which is one of IPv4 or 64 bits of IPv6, lies in wider ones
(`addresses.networks_of`). A connection counts in each, and is refused where one has no more.
"""

from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from vaultrelay.policy.addresses import PeerAddress, UnixPeer, networks_of
from vaultrelay.policy.limits import (
    DEFAULT_MAX_CONNECTIONS,
    LINE_ADDRESSES,
    LINE_FACTOR,
    RESTING_BUDGETS,
    SITE_ADDRESSES,
    SITE_FACTOR,
    WAITING_PER_ADDRESS,
)
from vaultrelay.policy.network_limits import ARRIVALS, DRAINED_CHANNELS, JOINS, PACED, NetworkLimits


class Excess(StrEnum):
    """What a network has too much of: with its `word`, the reason that is counted."""

    FULL = "full"
    WAITING = "waiting"
    RATE = "rate"
    JOINS = "joins"


class Budget:
    """What one network has at the front door and beyond it, and what it owes.

    A rate is kept as one moment: the one at which nothing will be owed. Each event moves its own
    further away, and beyond a certain distance no more is allowed. Until `sure_until` none of its
    connections at the front door has to go for another.
    """

    __slots__ = ("devices", "key", "limits", "paid_at", "sure_until", "waiting")

    def __init__(self, key: bytes, limits: NetworkLimits) -> None:
        self.key = key
        self.limits = limits
        self.waiting = self.devices = 0
        self.paid_at = [0.0] * PACED
        self.sure_until = 0.0

    @property
    def is_full(self) -> bool:
        """Whether no other device of the network is admitted."""
        return self.devices >= self.limits.places

    @property
    def is_over(self) -> bool:
        """Whether the network has more devices than it may, and one has to go."""
        return self.devices > self.limits.places

    def slug(self, excess: Excess) -> str:
        """By which word a refusal is counted, such as address_full or network_rate."""
        return f"{self.limits.word}_{excess}"

    def owes(self, now: float) -> bool:
        """Whether a rate is not whole again."""
        return max(self.paid_at) > now


Budgets: TypeAlias = tuple[Budget, ...]
"""Those of an address and the networks around it, the narrowest first. An address that is not
counted has none."""


def first_full(budgets: Budgets) -> Budget | None:
    """The narrowest network that admits no other device, if there is one."""
    for budget in budgets:
        if budget.is_full:
            return budget
    return None


class OverBudget(Exception):
    """One too many for `budget`; `slug` is the reason in our own word, and `excess` its kind."""

    def __init__(self, budget: Budget, excess: Excess) -> None:
        self.budget = budget
        self.excess = excess
        self.slug = budget.slug(excess)
        super().__init__(self.slug)


class BudgetBook:
    """The budgets of all networks that have something open, or owe for what they had.

    `places` is how many devices one address may have; 0 is no limit of any kind. There are no more
    budgets than those of the connections and RESTING_BUDGETS together: of more that are empty, the
    first to become so is forgotten, and what it owed is forgiven.
    """

    def __init__(
        self,
        places: int = 0,
        capacity: int = DEFAULT_MAX_CONNECTIONS,
        waiting: int = WAITING_PER_ADDRESS,
    ) -> None:
        address = NetworkLimits("address")
        line = NetworkLimits("network", LINE_FACTOR, LINE_ADDRESSES)
        site = NetworkLimits("network", SITE_FACTOR, SITE_ADDRESSES)
        self._limits = {8: address, 7: line, 6: site, 4: address, 3: site}
        """By the bytes of a network's key, IPv6 first."""
        self._here: dict[bytes, Budget] = {}
        self._gone: OrderedDict[bytes, Budget] = OrderedDict()
        self.change(places, capacity, waiting)
        # No device is counted in it. Its rates hold for all that have no budget of their own.
        self._uncounted = Budget(b"", address)

    def change(self, places: int, capacity: int, waiting: int = WAITING_PER_ADDRESS) -> None:
        """Let one address have so many of all devices, and so many connections that wait.

        Connections beyond it stay.
        """
        self.places = places
        for limits in self._limits.values():
            limits.change(places, capacity, waiting)

    @property
    def count(self) -> int:
        """How many budgets are kept."""
        return len(self._here) + len(self._gone)

    def arrive(self, address: PeerAddress | None, now: float) -> Budgets:
        """Count a connection at the front door until `leave`; raises OverBudget for one too many.

        Not counted are this machine itself and peers without an IP address.
        """
        if not self.places or address is None or isinstance(address, UnixPeer):
            return ()
        if address.is_loopback:
            return ()
        here, gone = self._here, self._gone
        budgets = [
            here.get(key) or gone.get(key) or Budget(key, self._limits[len(key)])
            for key in networks_of(address)
        ]
        for budget in budgets:
            if budget.waiting >= budget.limits.waiting:
                raise OverBudget(budget, Excess.WAITING)
        over = _spend(budgets, ARRIVALS, now)
        if over is not None:
            raise OverBudget(over, Excess.RATE)
        for budget in budgets:
            if not (budget.waiting or budget.devices):
                gone.pop(budget.key, None)
                here[budget.key] = budget
            budget.waiting += 1
        return tuple(budgets)

    def leave(self, budgets: Budgets) -> None:
        """The connection is at the front door no more: a device has it, or it is gone."""
        for budget in budgets:
            budget.waiting -= 1
            if not (budget.waiting or budget.devices):
                self._settle(budget)

    def enter(self, budgets: Budgets) -> None:
        """Count a device, whose connection is still at the front door, until `depart`."""
        for budget in budgets:
            budget.devices += 1

    def depart(self, budgets: Budgets) -> None:
        """The device is gone."""
        for budget in budgets:
            budget.devices -= 1
            if not (budget.waiting or budget.devices):
                self._settle(budget)

    def join(self, budgets: Budgets, now: float) -> None:
        """Count a join; raises OverBudget for one too many. A refused one costs nothing, or devices
        that come again would keep each other out."""
        over = _spend(budgets, JOINS, now)
        if over is not None:
            raise OverBudget(over, Excess.JOINS)

    def drains_channel(self, budgets: Budgets, now: float) -> bool:
        """Count a channel that a draining relay closes because an upgrade named it; whether it is
        not one too many."""
        return _spend(budgets or (self._uncounted,), DRAINED_CHANNELS, now) is None

    def forget(self, now: float) -> None:
        """Forget empty budgets that owe nothing. To be called now and then."""
        for key in [key for key, budget in self._gone.items() if not budget.owes(now)]:
            del self._gone[key]

    def _settle(self, budget: Budget) -> None:
        """Keep an empty budget for as long as it owes."""
        del self._here[budget.key]
        self._gone[budget.key] = budget
        if len(self._gone) > RESTING_BUDGETS:
            self._gone.popitem(last=False)


def _spend(budgets: Sequence[Budget], what: int, now: float) -> Budget | None:
    """Take one from each; or none, and the narrowest that has none left is returned."""
    moments = []
    for budget in budgets:
        every, most = budget.limits.rates[what]
        paid_at = max(budget.paid_at[what], now) + every
        if paid_at - now > most:
            return budget
        moments.append(paid_at)
    for budget, paid_at in zip(budgets, moments, strict=True):
        budget.paid_at[what] = paid_at
    return None
