"""Visitors: the connections at the front door, and the budgets that they count against."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress, IReactorTime

from vaultrelay.broker.counters import Counters
from vaultrelay.policy.addresses import PeerAddress, UnixPeer, read_address
from vaultrelay.policy.budgets import Budget, BudgetBook, Budgets, Excess, OverBudget, first_full
from vaultrelay.policy.limits import RETRY_RATE_SECONDS
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.policy.proxy_faults import ProxyFaults
from vaultrelay.wire.refusal import rate_limited
from vaultrelay.wire.request import Request

_FORWARDED = "x-forwarded-for"


class Visitor:
    """One connection: where it comes from, and the budgets that it counts against, if any.

    `ip` is the address at the other end of it, `client` the one for whom a trusted proxy speaks; or
    they are the same. `is_told`: a proxy told the address. `is_too_many`: it is one more than its
    address, or a network around it, may have.
    """

    __slots__ = ("address", "budgets", "client", "ip", "is_proxy", "is_told", "is_too_many")

    def __init__(self, address: IAddress | None, ip: PeerAddress | None, is_proxy: bool) -> None:
        self.address = address
        self.ip = self.client = ip
        self.is_proxy = is_proxy
        self.is_told = self.is_too_many = False
        self.budgets: Budgets = ()

    @property
    def is_near(self) -> bool:
        """Whether it comes from a network in which the relay's own proxies may be."""
        ip = self.ip
        return self.is_proxy or isinstance(ip, UnixPeer) or (ip is not None and ip.is_private)


@dataclass
class Noticed:
    """What visitors showed of how the relay is reached: evidence for its operator.

    `unbelieved` is the network, near the relay, from which X-Forwarded-For came and was not
    believed.
    """

    unbelieved: str = ""
    is_crowd_unbelieved: bool = False
    is_unreadable: bool = False
    is_plain_in_public: bool = False


class Visitors:
    """Counts pending connections by client address, as X-Forwarded-For of a trusted proxy has it.

    A trusted proxy has no budget itself. `make_room` cuts off a pending connection of a network
    that has too many, and returns whether it did.
    """

    def __init__(
        self,
        clock: IReactorTime,
        *,
        book: BudgetBook | None = None,
        counters: Counters | None = None,
        make_room: Callable[[Budget], bool] = lambda budget: False,
    ) -> None:
        self._clock = clock
        self._book = book or BudgetBook()
        self.counters = counters or Counters()
        self._make_room = make_room
        self._proxies = TrustedProxies()
        self.noticed = Noticed()
        self._faults = ProxyFaults()

    def configure(self, proxies: TrustedProxies) -> None:
        """Trust these proxies from now on; if they are others, drop the evidence so far."""
        if proxies != self._proxies:
            self._proxies = proxies
            self.noticed = Noticed()

    def arrived(self, address: IAddress | None) -> Visitor:
        """A visitor from this address, perhaps one too many. None is one that is not known."""
        ip = _read(address)
        visitor = Visitor(address, ip, self._proxies.trusts(ip))
        if not visitor.is_proxy:
            try:
                self._count(visitor, ip)
            except OverBudget:
                visitor.is_too_many = True
        return visitor

    def asked(self, visitor: Visitor, request: Request, is_plain: bool = False) -> None:
        """Look where a request comes from, if a trusted proxy says so; Refusal for one too many.

        `is_plain`: nobody encrypted it on its way from the address at the other end.
        """
        if visitor.is_too_many:
            raise rate_limited(RETRY_RATE_SECONDS)
        if _FORWARDED not in request:
            if is_plain and not visitor.is_proxy and _is_global(visitor.ip):
                self.noticed.is_plain_in_public |= request.wants_websocket
            return
        if not visitor.is_proxy:
            self._hint(visitor)
            return
        try:
            client = self._proxies.client(request.elements(_FORWARDED))
            if client is not None:
                visitor.client, visitor.is_told = client, True
                if not self._proxies.trusts(client):
                    self._count(visitor, client)
        except ValueError:
            # Whoever is behind it is not limited by address.
            self.counters.ignored["forwarded_for"] += 1
            self.noticed.is_unreadable = True
        except OverBudget:
            raise rate_limited(RETRY_RATE_SECONDS) from None

    def failed(self, visitor: Visitor, slug: str) -> None:
        """Note that a visitor is refused, by the slug of the reason; a proxy may be the cause."""
        self._faults.note(slug, visitor.is_near, self._clock.seconds())

    @property
    def proxy_faults(self) -> frozenset[str]:
        """The faults of proxies that were seen lately, by the slug of the refusal."""
        return self._faults.current(self._clock.seconds())

    def left(self, visitor: Visitor) -> None:
        """The visitor is at the door no more."""
        budgets, visitor.budgets = visitor.budgets, ()
        self._book.leave(budgets)

    def _count(self, visitor: Visitor, ip: PeerAddress | None) -> None:
        try:
            visitor.budgets = self._arrive(ip)
        except OverBudget as error:
            self.counters.refused[error.slug] += 1
            raise

    def _arrive(self, ip: PeerAddress | None) -> Budgets:
        now = self._clock.seconds()
        while True:
            try:
                return self._book.arrive(ip, now)
            except OverBudget as error:
                if error.excess is not Excess.WAITING or not self._make_room(error.budget):
                    raise

    def _hint(self, visitor: Visitor) -> None:
        """Notice that there may be a proxy.

        Everybody can send the header. It is worth a line from a network like the relay's own, and
        from an address whose devices are being refused.
        """
        ip = visitor.ip
        if ip is None or not self._book.places:
            return
        if visitor.is_near:
            # The first of them: more would be as many remarks.
            near = ip.value if isinstance(ip, UnixPeer) else str(ip)
            self.noticed.unbelieved = self.noticed.unbelieved or near
        elif first_full(visitor.budgets) is not None:
            self.noticed.is_crowd_unbelieved = True


def _read(address: IAddress | None) -> PeerAddress | None:
    peer: Any = address
    if isinstance(peer, UNIXAddress):
        return UnixPeer.UNIX
    return read_address(getattr(peer, "host", ""))


def _is_global(address: PeerAddress | None) -> bool:
    return address is not None and not isinstance(address, UnixPeer) and address.is_global
