"""Addresses: what each network address has open, and how fast it comes. Knows no clock.

A budget belongs to an IPv4 address, or to the first 64 bits of an IPv6 address: a network of that
size is the least that one customer is given, and within it anybody picks addresses as they like.
"""

from collections import OrderedDict
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from vaultrelay.policy.limits import (
    ARRIVALS_PER_JOIN,
    JOIN_SECONDS_PER_DEVICE,
    JOINS_AT_ONCE_PER_DEVICE,
    LEAST_PER_ADDRESS,
    RESTING_ADDRESSES,
    SPARES_PER_ADDRESS,
    WAITING_PER_ADDRESS,
)

IpAddress: TypeAlias = IPv4Address | IPv6Address


class UnixPeer(Enum):
    """Who reaches a unix socket: he has no address, and the socket's mode says who he can be."""

    UNIX = "unix"


PeerAddress: TypeAlias = IpAddress | UnixPeer
"""Where a peer is. None in its place is one that a proxy does not tell, which is nowhere."""

_LONGEST = 64
"""Characters. An IPv6 address has 45 at most, and the name of an interface behind it 15."""
_NETWORK_BYTES = 8
_NAT64 = bytes.fromhex("0064ff9b") + bytes(8)
"""64:ff9b::/96 (RFC 6052): the whole IPv4 Internet, as it reaches a server that has only IPv6."""


def read_address(text: str) -> IpAddress | None:
    """The address that a text is, IPv4 where IPv6 only wraps it; None for anything else."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.packed[:12] == _NAT64:
            return IPv4Address(address.packed[12:])
        return address.ipv4_mapped or address
    return address


def network_of(address: IpAddress) -> bytes:
    """What of an address stands for who is behind it: all of IPv4, the network of IPv6."""
    return address.packed[:_NETWORK_BYTES]


class Budget:
    """What one address has at the door and beyond it, and when its rates are whole again.

    A rate is kept as one moment: the one at which nothing will be owed. Each arrival and each join
    moves its own further away, and too far is no more to be had.
    """

    __slots__ = ("arrivals_paid_at", "devices", "joins_paid_at", "key", "spares", "waiting")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.waiting = self.devices = self.spares = 0
        self.arrivals_paid_at = self.joins_paid_at = 0.0


class OverBudget(Exception):
    """An arrival too many; `slug` is the reason in our own word."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class Addresses:
    """The budgets of all addresses that have something open, or have not paid for what they had.

    `places` is how many devices one address may have here, and `waiting` how many connections at
    the door; with 0 places there is no limit of any kind. There are no more budgets than
    connections and RESTING_ADDRESSES together: of more addresses that have gone, the first to go is
    forgotten, and what it owed is forgiven.
    """

    def __init__(self, places: int = 0, waiting: int = WAITING_PER_ADDRESS) -> None:
        self.change_places(places, waiting)
        self._here: dict[bytes, Budget] = {}
        self._gone: OrderedDict[bytes, Budget] = OrderedDict()

    def change_places(self, places: int, waiting: int = WAITING_PER_ADDRESS) -> None:
        """Let one address have so many from now on. Connections beyond it stay."""
        self.places = places
        self._waiting = waiting
        size = max(places, LEAST_PER_ADDRESS)
        joins, every = size * JOINS_AT_ONCE_PER_DEVICE, JOIN_SECONDS_PER_DEVICE / size
        self._joins = _Rate(every, joins)
        self._arrivals = _Rate(every / ARRIVALS_PER_JOIN, joins * ARRIVALS_PER_JOIN)

    @property
    def count(self) -> int:
        """How many budgets are kept."""
        return len(self._here) + len(self._gone)

    def arrive(self, address: PeerAddress | None, now: float) -> Budget | None:
        """Count a connection at the door until `leave`; OverBudget if it is one too many.

        None for who has no budget: this machine itself, a peer without an IP address.
        """
        if not self.places or address is None or isinstance(address, UnixPeer):
            return None
        if address.is_loopback:
            return None
        key = network_of(address)
        budget = self._here.get(key) or self._gone.get(key) or Budget(key)
        if budget.waiting >= self._waiting:
            raise OverBudget("address_waiting")
        paid_at = self._arrivals.spend(budget.arrivals_paid_at, now)
        if paid_at is None:
            raise OverBudget("address_rate")
        budget.arrivals_paid_at = paid_at
        budget.waiting += 1
        self._gone.pop(key, None)
        self._here[key] = budget
        return budget

    def leave(self, budget: Budget) -> None:
        """The connection is at the door no more: a device has it, or it is gone."""
        budget.waiting -= 1
        self._settle(budget)

    def has_place(self, budget: Budget) -> bool:
        """Whether another device of the address gets in."""
        return budget.devices < self.places

    def is_over(self, budget: Budget) -> bool:
        """Whether the address has more devices here than places, and one has to go."""
        return budget.devices > self.places

    def has_spare(self, budget: Budget) -> bool:
        """Whether an address without a place may show that it replaces a device of its own."""
        return budget.spares < SPARES_PER_ADDRESS

    def enter(self, budget: Budget) -> None:
        """Count a device, which is still at the door, until `depart`."""
        budget.devices += 1

    def depart(self, budget: Budget) -> None:
        """The device is gone."""
        budget.devices -= 1
        self._settle(budget)

    def may_join(self, budget: Budget, now: float) -> bool:
        """Whether the address has a join left; it has one less then. A refused one costs nothing,
        or devices that come again would keep each other out."""
        paid_at = self._joins.spend(budget.joins_paid_at, now)
        if paid_at is None:
            return False
        budget.joins_paid_at = paid_at
        return True

    def forget(self, now: float) -> None:
        """Forget who has gone and owes nothing. To be called now and then."""
        for key in [key for key, budget in self._gone.items() if _owes_nothing(budget, now)]:
            del self._gone[key]

    def _settle(self, budget: Budget) -> None:
        if budget.waiting or budget.devices:
            return
        del self._here[budget.key]
        self._gone[budget.key] = budget
        if len(self._gone) > RESTING_ADDRESSES:
            self._gone.popitem(last=False)


class _Rate:
    """One every so many seconds, and so many at once."""

    __slots__ = ("_every", "_most")

    def __init__(self, every: float, at_once: int) -> None:
        self._every = every
        # Half a one more, so that rounding takes none away.
        self._most = (at_once + 0.5) * every

    def spend(self, paid_at: float, now: float) -> float | None:
        """When all will be paid, with one more taken now; None where that is too far away."""
        paid_at = max(paid_at, now) + self._every
        return paid_at if paid_at - now <= self._most else None


def _owes_nothing(budget: Budget, now: float) -> bool:
    return budget.arrivals_paid_at <= now and budget.joins_paid_at <= now
