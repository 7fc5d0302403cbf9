"""Budgets: the open connections, devices and rates of each network. Knows no clock.

Networks are nested: an address, which is one of IPv4 or 64 bits of IPv6, lies in wider ones
(`addresses.networks_of`). A connection counts in each of them, and is refused if one of them is
full.
"""

from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from vaultrelay.policy.addresses import PeerAddress, UnixPeer, networks_of
from vaultrelay.policy.limits.defaults import DEFAULT_MAX_CONNECTIONS
from vaultrelay.policy.limits.networks import (
    IDLE_BUDGETS,
    LINE_ADDRESSES,
    LINE_FACTOR,
    SITE_ADDRESSES,
    SITE_FACTOR,
)
from vaultrelay.policy.limits.pending import PENDING_PER_ADDRESS
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.network_limits import (
    ARRIVALS,
    DRAINED_CHANNELS,
    JOINS,
    PACED,
    NetworkLimits,
)

_DEVICE = SessionLimits()


class Excess(StrEnum):
    """The limit that a network exceeds; with the network's `word` it is the reason that is
    counted."""

    FULL = "full"
    WAITING = "waiting"
    RATE = "rate"
    JOINS = "joins"


class Budget:
    """The connections, devices and rates of one network.

    A rate is kept as one moment, at which nothing will be owed. Each event moves it further into
    the future, and beyond a certain distance no event is allowed. Until `grace_until` none of the
    network's pending connections is evicted for another one.
    """

    __slots__ = ("devices", "grace_until", "key", "limits", "paid_at", "waiting")

    def __init__(self, key: bytes, limits: NetworkLimits) -> None:
        self.key = key
        self.limits = limits
        self.waiting = self.devices = 0
        self.paid_at = [0.0] * PACED
        self.grace_until = 0.0

    @property
    def is_full(self) -> bool:
        """Return whether the network can have no further device."""
        return self.devices >= self.limits.max_devices

    @property
    def is_over(self) -> bool:
        """Return whether the network has more devices than its limit, so that one must be
        closed."""
        return self.devices > self.limits.max_devices

    def slug(self, excess: Excess) -> str:
        """Return the reason under which a refusal is counted, such as address_full or
        network_rate."""
        return f"{self.limits.word}_{excess}"

    def has_debt(self, now: float) -> bool:
        """Return whether a rate is in debt."""
        return max(self.paid_at) > now


Budgets: TypeAlias = tuple[Budget, ...]
"""The budgets of an address and of the networks around it, narrowest first. Empty for an address
that is not counted."""


def first_full(budgets: Budgets) -> Budget | None:
    """Return the narrowest network that can have no further device; None if all have room."""
    for budget in budgets:
        if budget.is_full:
            return budget
    return None


def charge_traffic(budgets: Budgets, amounts: dict[int, float], now: float) -> float:
    """Charge an address for some events; return the seconds for which it exceeds a rate."""
    excess = 0.0
    for budget in budgets:
        for event, amount in amounts.items():
            every, maximum = budget.limits.rates[event]
            budget.paid_at[event] = paid_at = max(budget.paid_at[event], now) + amount * every
            excess = max(excess, paid_at - now - maximum)
    return excess


class OverBudget(Exception):
    """An event exceeds `budget`; `slug` is the reason that is counted, and `excess` its kind."""

    def __init__(self, budget: Budget, excess: Excess) -> None:
        self.budget = budget
        self.excess = excess
        self.slug = budget.slug(excess)
        super().__init__(self.slug)


class BudgetBook:
    """The budgets of all networks with open connections or debts.

    `max_devices` is the limit on devices of one address; 0 disables all limits. Beside the budgets
    of open connections there are at most IDLE_BUDGETS empty ones: beyond these the one that became
    empty first is dropped, with its debts.
    """

    def __init__(
        self,
        max_devices: int = 0,
        capacity: int = DEFAULT_MAX_CONNECTIONS,
        waiting: int = PENDING_PER_ADDRESS,
        device: SessionLimits = _DEVICE,
    ) -> None:
        address = NetworkLimits("address")
        line = NetworkLimits("network", LINE_FACTOR, LINE_ADDRESSES)
        site = NetworkLimits("network", SITE_FACTOR, SITE_ADDRESSES)
        self._limits = {8: address, 7: line, 6: site, 4: address, 3: site}
        """By the size of a network's key in bytes, IPv6 first."""
        self._active: dict[bytes, Budget] = {}
        self._idle: OrderedDict[bytes, Budget] = OrderedDict()
        self.change(max_devices, capacity, waiting, device)
        # Counts no device. Its rates hold for all peers without a budget of their own.
        self._uncounted = Budget(b"", address)

    def change(
        self,
        max_devices: int,
        capacity: int,
        waiting: int = PENDING_PER_ADDRESS,
        device: SessionLimits = _DEVICE,
    ) -> None:
        """Set the devices that one address may have, its pending connections, and the rates of a
        device.

        Connections above the new limits stay.
        """
        self.max_devices = max_devices
        for limits in self._limits.values():
            limits.change(max_devices, capacity, waiting, device)

    @property
    def count(self) -> int:
        """Return the number of budgets."""
        return len(self._active) + len(self._idle)

    def arrive(self, address: PeerAddress | None, now: float) -> Budgets:
        """Count a pending connection until `leave`.

        Raises OverBudget if a network exceeds its limit or rate. This machine itself and peers
        without an IP address are not counted.
        """
        if not self.max_devices or address is None or isinstance(address, UnixPeer):
            return ()
        if address.is_loopback:
            return ()
        active, idle = self._active, self._idle
        budgets = [
            active.get(key) or idle.get(key) or Budget(key, self._limits[len(key)])
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
                idle.pop(budget.key, None)
                active[budget.key] = budget
            budget.waiting += 1
        return tuple(budgets)

    def leave(self, budgets: Budgets) -> None:
        """Stop counting a pending connection: it has joined, or is closed."""
        for budget in budgets:
            budget.waiting -= 1
            if not (budget.waiting or budget.devices):
                self._settle(budget)

    def enter(self, budgets: Budgets) -> None:
        """Count a device until `depart`; its connection is still pending."""
        for budget in budgets:
            budget.devices += 1

    def depart(self, budgets: Budgets) -> None:
        """Stop counting a device."""
        for budget in budgets:
            budget.devices -= 1
            if not (budget.waiting or budget.devices):
                self._settle(budget)

    def join(self, budgets: Budgets, now: float) -> None:
        """Count a join. Raises OverBudget if a network exceeds its rate.

        A refused join costs nothing, or devices that retry would keep each other out.
        """
        over = _spend(budgets, JOINS, now)
        if over is not None:
            raise OverBudget(over, Excess.JOINS)

    def drains_channel(self, budgets: Budgets, now: float) -> bool:
        """Count a channel that a draining relay closes because an upgrade named it; return whether
        the rate permits it."""
        return _spend(budgets or (self._uncounted,), DRAINED_CHANNELS, now) is None

    def forget(self, now: float) -> None:
        """Drop empty budgets without debts. To be called periodically."""
        for key in [key for key, budget in self._idle.items() if not budget.has_debt(now)]:
            del self._idle[key]

    def _settle(self, budget: Budget) -> None:
        """Keep an empty budget while it has debts."""
        del self._active[budget.key]
        self._idle[budget.key] = budget
        if len(self._idle) > IDLE_BUDGETS:
            self._idle.popitem(last=False)


def _spend(budgets: Sequence[Budget], event: int, now: float) -> Budget | None:
    """Take one from each; or take none, and return the narrowest that has none left."""
    moments = []
    for budget in budgets:
        every, max_debt = budget.limits.rates[event]
        paid_at = max(budget.paid_at[event], now) + every
        if paid_at - now > max_debt:
            return budget
        moments.append(paid_at)
    for budget, paid_at in zip(budgets, moments, strict=True):
        budget.paid_at[event] = paid_at
    return None
