"""Visitors: who is at the front door, and the budget of the address that they come from."""

from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime

from vaultrelay.broker.counters import Counters
from vaultrelay.logs import log
from vaultrelay.policy.addresses import Addresses, Budget, IpAddress, OverBudget, read_address
from vaultrelay.policy.limits import RETRY_RATE_SECONDS
from vaultrelay.policy.proxies import UNIX, TrustedProxies
from vaultrelay.wire.refusal import rate_limited
from vaultrelay.wire.request import Request

_FORWARDED = "x-forwarded-for"


class Visitor:
    """One connection: where it comes from, and the budget that it counts against, if any.

    `ip` is the device's own as far as the relay knows it: as a proxy told it, where `is_told`.
    """

    __slots__ = ("address", "budget", "ip", "is_proxy", "is_told")

    def __init__(self, address: IAddress | None, ip: IpAddress | None, is_proxy: bool) -> None:
        self.address = address
        self.ip = ip
        self.is_proxy = is_proxy
        self.is_told = False
        self.budget: Budget | None = None


class Visitors:
    """Counts who is at the door by address, that of a device behind a trusted proxy being its own.

    A trusted proxy has no budget itself.
    """

    def __init__(
        self,
        clock: IReactorTime,
        addresses: Addresses | None = None,
        proxies: TrustedProxies | None = None,
        counters: Counters | None = None,
    ) -> None:
        self._clock = clock
        self._addresses = addresses or Addresses()
        self._proxies = proxies or TrustedProxies()
        self._counters = counters or Counters()
        self._hinted = self._complained = False

    def arrived(self, address: IAddress | None) -> Visitor | None:
        """A visitor from this address; None for one too many, to be cut off without an answer.

        An address of None is not known yet, or is none.
        """
        peer: Any = address
        ip = read_address(getattr(peer, "host", ""))
        visitor = Visitor(address, ip, address is not None and self._proxies.trusts(ip))
        if not visitor.is_proxy:
            try:
                self._count(visitor, ip)
            except OverBudget:
                return None
        return visitor

    def asked(self, visitor: Visitor, request: Request) -> None:
        """Look where a request comes from, if a trusted proxy says so; Refusal for one too many."""
        if _FORWARDED not in request:
            return
        if not visitor.is_proxy:
            self._hint(visitor)
            return
        try:
            client = self._proxies.client(request.elements(_FORWARDED))
            if client is not None:
                visitor.ip, visitor.is_told = client, True
            self._count(visitor, client)
        except ValueError:
            self._complain()
        except OverBudget:
            raise rate_limited(RETRY_RATE_SECONDS) from None

    def left(self, visitor: Visitor) -> None:
        """The visitor is at the door no more."""
        budget, visitor.budget = visitor.budget, None
        if budget is not None:
            self._addresses.leave(budget)

    def _count(self, visitor: Visitor, ip: IpAddress | None) -> None:
        try:
            visitor.budget = self._addresses.arrive(ip, self._clock.seconds())
        except OverBudget as error:
            self._counters.refused[error.slug] += 1
            raise

    def _hint(self, visitor: Visitor) -> None:
        """Say once that there may be a proxy, and how to trust it.

        Everybody can send the header. It is worth a line from a network like the relay's own, and
        from an address whose devices are being refused.
        """
        ip, budget = visitor.ip, visitor.budget
        is_near = ip is None or ip.is_private
        if self._hinted or visitor.address is None or not self._addresses.places:
            return
        if is_near or (budget is not None and not self._addresses.has_place(budget)):
            self._hinted = True
            log.warn(
                "A request from {where} carries X-Forwarded-For, which is not believed from there: "
                "--max-per-address does not tell devices behind a proxy from one another. If it "
                "is your proxy, add --trusted-proxy {proxy}",
                where=(ip or "a unix socket") if is_near else "an address with too many devices",
                proxy=(ip or UNIX) if is_near else "with its address",
            )

    def _complain(self) -> None:
        """Say once that a trusted proxy is not to be understood."""
        self._counters.ignored["forwarded_for"] += 1
        if not self._complained:
            self._complained = True
            log.warn(
                "A trusted proxy sent an X-Forwarded-For that does not end with addresses. "
                "Connections of this kind are not limited by address"
            )
