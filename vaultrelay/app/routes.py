"""Routes: who serves a request, a device's connection or the pages; and who is refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twisted.web.server import Site

from vaultrelay.broker.broker import Broker
from vaultrelay.policy.access import Admission
from vaultrelay.policy.addresses import PeerAddress
from vaultrelay.transport.handover import Handover
from vaultrelay.transport.visitors import Visitor
from vaultrelay.web.leaf import page_head
from vaultrelay.web.pages import HEALTH_PATHS
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.refusal import Refusal, upgrade_lost
from vaultrelay.wire.request import Request
from vaultrelay.wire.upgrade import Upgrade, read_upgrade


class Routes:
    """The routes of one relay. `site` serves the pages, and may be another at any time.

    `origin_refused`: a web page was refused, which its browser does not tell its visitor.
    """

    origin_refused = False

    def __init__(
        self,
        broker: Broker,
        devices: DeviceFactory,
        site: Site,
        *,
        on_refusal: Callable[[str, PeerAddress | None], object],
    ) -> None:
        self._broker = broker
        self._devices = devices
        self._on_refusal = on_refusal
        self.site = site

    def public(self, request: Request, visitor: Visitor) -> Handover:
        """Of the port that devices dial; Refusal for who is not let in."""
        with self._counting():
            if request.path not in HEALTH_PATHS:
                self._broker.access.check_address(visitor.client)
        if request.wants_websocket:
            try:
                upgrade, admission = self._admit(request, visitor)
            except Refusal as refusal:
                self._on_refusal(refusal.counted, visitor.client)
                raise
            device = self._devices.buildProtocol(AdmittedUpgrade(upgrade, admission))
            return Handover(device, b"", lasting=True)
        if lost := request.lost_fields:
            broken = upgrade_lost(lost)
            self._on_refusal(broken.counted, visitor.client)
            with self._counting():
                raise broken
        return self.pages(request, visitor)

    def pages(self, request: Request, visitor: Visitor) -> Handover:
        """Of the socket that the health check asks: the pages, for whatever is asked."""
        return Handover(
            self.site.buildProtocol(visitor.address),
            page_head(request, visitor.client, visitor.is_told),
            lasting=False,
        )

    def _admit(self, request: Request, visitor: Visitor) -> tuple[Upgrade, Admission]:
        """What a device asks for, and with what it is let in; Refusal if it is not."""
        with self._counting():
            upgrade = read_upgrade(request)
            origin = self._check_origin(request)
            token = self._broker.access.check_token(request.header("authorization"))
        self._broker.admit(upgrade.channel, visitor.budgets)
        return upgrade, Admission(visitor.budgets, visitor.client, token, origin)

    def _check_origin(self, request: Request) -> str | None:
        try:
            return self._broker.access.check_origin(request.header("origin"))
        except Refusal:
            self.origin_refused = True
            raise

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count a Refusal by its own word."""
        try:
            yield
        except Refusal as refusal:
            self._broker.counters.refused[refusal.counted] += 1
            raise
