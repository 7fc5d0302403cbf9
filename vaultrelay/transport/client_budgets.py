"""PendingClients: the client addresses and the budgets of pending connections."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress, IReactorTime

from vaultrelay.broker.counters import Counters
from vaultrelay.policy.addresses import PeerAddress, UnixPeer, read_address
from vaultrelay.policy.budgets import Budget, BudgetBook, Budgets, Excess, OverBudget, first_full
from vaultrelay.policy.limits.floods import RETRY_RATE_SECONDS
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.policy.proxy_faults import ProxyFaults
from vaultrelay.wire.refusal import rate_limited
from vaultrelay.wire.request import Request

_FORWARDED = "x-forwarded-for"


class PendingClient:
    """The addresses of one connection, and the budgets that it counts against, if any.

    `ip` is the peer's address. `client` is the client's, as a trusted proxy reports it; without a
    proxy it equals `ip`. `is_encrypted`: the relay does TLS. `is_forwarded`: a proxy reported the
    address. `is_over_budget`: it exceeds the budget of its address, or of a network around it.
    """

    __slots__ = (
        "address",
        "budgets",
        "client",
        "ip",
        "is_encrypted",
        "is_forwarded",
        "is_over_budget",
        "is_proxy",
    )

    def __init__(self, address: IAddress | None, ip: PeerAddress | None, is_proxy: bool) -> None:
        self.address = address
        self.ip = self.client = ip
        self.is_proxy = is_proxy
        self.is_encrypted = self.is_forwarded = self.is_over_budget = False
        self.budgets: Budgets = ()

    @property
    def is_near(self) -> bool:
        """Whether the peer is in a network in which the relay's own proxies may be."""
        ip = self.ip
        return self.is_proxy or isinstance(ip, UnixPeer) or (ip is not None and ip.is_private)


@dataclass
class ProxyEvidence:
    """Evidence from connections about proxies and TLS in front of the relay, for the operator.

    `untrusted_peer` is the peer near the relay whose X-Forwarded-For was ignored since it is not a
    trusted proxy. `has_untrusted_shared_address`: one whose address is over its budget.
    `has_invalid_forwarded_for`: a trusted proxy sent no address. `has_public_plaintext`: a device
    came from the Internet without TLS.
    """

    untrusted_peer: str = ""
    has_untrusted_shared_address: bool = False
    has_invalid_forwarded_for: bool = False
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
        self.evidence = ProxyEvidence()
        self._faults = ProxyFaults()

    def configure(self, proxies: TrustedProxies) -> None:
        """Trust these proxies from now on; if they changed, discard the evidence."""
        if proxies != self._proxies:
            self._proxies = proxies
            self.evidence = ProxyEvidence()

    def add(self, address: IAddress | None) -> PendingClient:
        """Count and return the client of a connection; None is an unknown address."""
        peer: Any = address
        is_unix = isinstance(peer, UNIXAddress)
        ip = UnixPeer.UNIX if is_unix else read_address(getattr(peer, "host", ""))
        client = PendingClient(address, ip, self._proxies.trusts(ip))
        if not client.is_proxy:
            try:
                self._count(client, ip)
            except OverBudget:
                client.is_over_budget = True
        return client

    def apply_request(
        self, client: PendingClient, request: Request, is_plain: bool = False
    ) -> None:
        """Set and count the client that a trusted proxy reports. Raises Refusal if over its budget.

        `is_plain`: the request came without TLS from the peer's address.
        """
        if client.is_over_budget:
            raise rate_limited(RETRY_RATE_SECONDS)
        ip = client.ip
        if _FORWARDED not in request:
            is_global = ip is not None and not isinstance(ip, UnixPeer) and ip.is_global
            if is_plain and is_global and not client.is_proxy:
                self.evidence.has_public_plaintext |= request.wants_websocket
            return
        if not client.is_proxy:
            self._note_untrusted(client)
            return
        try:
            reported = self._proxies.client(request.elements(_FORWARDED))
            if reported is not None:
                client.client, client.is_forwarded = reported, True
                if not self._proxies.trusts(reported):
                    self._count(client, reported)
        except ValueError:
            # The clients of this proxy have no limit by address.
            self.counters.ignored["forwarded_for"] += 1
            self.evidence.has_invalid_forwarded_for = True
        except OverBudget:
            raise rate_limited(RETRY_RATE_SECONDS) from None

    def note_refusal(self, client: PendingClient, slug: str) -> None:
        """Note the refusal of a connection, by slug, since a proxy may be the cause."""
        self._faults.note(slug, client.is_near, self._clock.seconds())

    @property
    def proxy_faults(self) -> frozenset[str]:
        """The recent faults of proxies, by the slug of the refusal."""
        return self._faults.current(self._clock.seconds())

    def release(self, client: PendingClient) -> None:
        """Free the budgets of a connection that is no longer pending."""
        budgets, client.budgets = client.budgets, ()
        self._book.leave(budgets)

    def _count(self, client: PendingClient, ip: PeerAddress | None) -> None:
        """Charge the budgets of an address. Raises OverBudget if one has no room."""
        now = self._clock.seconds()
        while True:
            try:
                client.budgets = self._book.arrive(ip, now)
                return
            except OverBudget as error:
                if error.excess is not Excess.WAITING or not self._make_room(error.budget):
                    self.counters.refused[error.slug] += 1
                    raise

    def _note_untrusted(self, client: PendingClient) -> None:
        """Note that an X-Forwarded-For may come from a proxy that is not trusted.

        Any client can send the header. It is evidence if the peer is near the relay, or if its
        address has used up its budget.
        """
        ip = client.ip
        if ip is None or not self._book.max_devices:
            return
        if client.is_near:
            # Only the first peer: each one would be a warning.
            near = ip.value if isinstance(ip, UnixPeer) else str(ip)
            self.evidence.untrusted_peer = self.evidence.untrusted_peer or near
        elif first_full(client.budgets) is not None:
            self.evidence.has_untrusted_shared_address = True
