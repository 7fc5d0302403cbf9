"""PendingClients: the client addresses and the budgets of the connections at the front door."""

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


class PendingClient:
    """The addresses of one connection, and the budgets that it counts against, if any.

    `ip` is the peer's address. `client` is the client's, as a trusted proxy reports it; without a
    proxy it equals `ip`. `is_told`: a proxy reported the address. `is_too_many`: it exceeds the
    budget of its address, or of a network around it.
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
        """Whether the peer is in a network in which the relay's own proxies may be."""
        ip = self.ip
        return self.is_proxy or isinstance(ip, UnixPeer) or (ip is not None and ip.is_private)


@dataclass
class ProxyEvidence:
    """Evidence from connections about proxies and TLS in front of the relay, for the operator.

    `untrusted_peer` is the peer near the relay that sent an X-Forwarded-For, ignored since it is not a
    trusted proxy.
    """

    untrusted_peer: str = ""
    has_untrusted_shared_address: bool = False
    is_unreadable: bool = False
    has_public_plaintext: bool = False


class PendingClients:
    """Counts pending connections by client address, from X-Forwarded-For of a trusted proxy.

    A trusted proxy has no budget itself. `make_room` evicts a pending connection of a network over
    its budget, and returns whether it did.
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
        self.noticed = ProxyEvidence()
        self._faults = ProxyFaults()

    def configure(self, proxies: TrustedProxies) -> None:
        """Trust these proxies from now on; if they changed, discard the evidence."""
        if proxies != self._proxies:
            self._proxies = proxies
            self.noticed = ProxyEvidence()

    def arrived(self, address: IAddress | None) -> PendingClient:
        """Count and return a connection, perhaps `is_too_many`; None is an unknown address."""
        ip = _read(address)
        visitor = PendingClient(address, ip, self._proxies.trusts(ip))
        if not visitor.is_proxy:
            try:
                self._count(visitor, ip)
            except OverBudget:
                visitor.is_too_many = True
        return visitor

    def asked(self, visitor: PendingClient, request: Request, is_plain: bool = False) -> None:
        """Set and count the client that a trusted proxy reports. Raises Refusal if over its budget.

        `is_plain`: the request came without TLS from the peer's address.
        """
        if visitor.is_too_many:
            raise rate_limited(RETRY_RATE_SECONDS)
        if _FORWARDED not in request:
            if is_plain and not visitor.is_proxy and _is_global(visitor.ip):
                self.noticed.has_public_plaintext |= request.wants_websocket
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
            # The clients of this proxy have no limit by address.
            self.counters.ignored["forwarded_for"] += 1
            self.noticed.is_unreadable = True
        except OverBudget:
            raise rate_limited(RETRY_RATE_SECONDS) from None

    def failed(self, visitor: PendingClient, slug: str) -> None:
        """Note the refusal of a connection, by slug, since a proxy may be the cause."""
        self._faults.note(slug, visitor.is_near, self._clock.seconds())

    @property
    def proxy_faults(self) -> frozenset[str]:
        """The recent faults of proxies, by the slug of the refusal."""
        return self._faults.current(self._clock.seconds())

    def left(self, visitor: PendingClient) -> None:
        """Free the budgets of a connection that left the front door."""
        budgets, visitor.budgets = visitor.budgets, ()
        self._book.leave(budgets)

    def _count(self, visitor: PendingClient, ip: PeerAddress | None) -> None:
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

    def _hint(self, visitor: PendingClient) -> None:
        """Note that an X-Forwarded-For may come from a proxy that is not trusted.

        Any client can send the header. It is evidence if the peer is near the relay, or if its
        address has used up its budget.
        """
        ip = visitor.ip
        if ip is None or not self._book.places:
            return
        if visitor.is_near:
            # Only the first peer: each one would be a warning.
            near = ip.value if isinstance(ip, UnixPeer) else str(ip)
            self.noticed.untrusted_peer = self.noticed.untrusted_peer or near
        elif first_full(visitor.budgets) is not None:
            self.noticed.has_untrusted_shared_address = True


def _read(address: IAddress | None) -> PeerAddress | None:
    peer: Any = address
    if isinstance(peer, UNIXAddress):
        return UnixPeer.UNIX
    return read_address(getattr(peer, "host", ""))


def _is_global(address: PeerAddress | None) -> bool:
    return address is not None and not isinstance(address, UnixPeer) and address.is_global
