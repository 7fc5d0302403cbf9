"""Routes: passes each request to a device connection or to the pages, or refuses it."""

from collections.abc import Callable

from twisted.web.server import Site

from vaultrelay.broker.broker import Broker
from vaultrelay.policy.access import Admission
from vaultrelay.policy.addresses import PeerAddress
from vaultrelay.policy.join_pace import JoinPace
from vaultrelay.policy.origins import Origins
from vaultrelay.transport.client_budgets import PendingClient
from vaultrelay.transport.route import RouteResult
from vaultrelay.web.page_resource import page_head
from vaultrelay.web.pages import HEALTH_PATHS
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.refusal import Refusal, upgrade_lost
from vaultrelay.wire.request import Request
from vaultrelay.wire.upgrade import Upgrade, read_upgrade


class Routes:
    """The routes of one relay; `site` serves the pages."""

    _origins_at_refusal: Origins | None = None

    def __init__(
        self,
        *,
        broker: Broker,
        devices: DeviceFactory,
        pace: JoinPace,
        site: Site,
        on_refusal: Callable[[str, PeerAddress | None], object],
    ) -> None:
        self._broker = broker
        self._devices = devices
        self._pace = pace
        self._site = site
        self._on_refusal = on_refusal

    @property
    def origin_refused(self) -> bool:
        """Whether the current rules refused a web page. Browsers do not show that to their users,
        so the operator gets a warning."""
        return self._origins_at_refusal is not None and (
            self._origins_at_refusal == self._broker.access.origins
        )

    def public(self, request: Request, client: PendingClient) -> RouteResult:
        """Return the route of a request to the public port. Raises Refusal if not admitted."""
        if request.path not in HEALTH_PATHS:
            self._check_address(client)
        if not (request.wants_websocket or request.lost_fields):
            return self.pages(request, client)
        try:
            upgrade, admission = self._admit(request, client)
        except Refusal as refusal:
            self._on_refusal(refusal.counted, client.client)
            raise
        device = self._devices.buildProtocol(AdmittedUpgrade(upgrade, admission))
        return RouteResult(device, b"", lasting=True)

    def pages(self, request: Request, client: PendingClient) -> RouteResult:
        """Return the route of any request to the pages, for the socket of the health check."""
        return RouteResult(
            self._site.buildProtocol(client.address),
            page_head(request, client.client, client.is_forwarded),
            lasting=False,
        )

    def _admit(self, request: Request, client: PendingClient) -> tuple[Upgrade, Admission]:
        """Return the upgrade and its admission. Raises Refusal if it is not admitted."""
        try:
            if not request.wants_websocket:
                raise upgrade_lost(request.lost_fields)
            upgrade = read_upgrade(request)
            origin = self._broker.access.check_origin(request.header("origin"))
            token = self._broker.access.check_token(request.header("authorization"))
        except Refusal as refusal:
            self._count(refusal)
            raise
        # A TLS handshake costs more than a join: once it is done, the device joins.
        is_late = self._pace.is_late and not client.is_encrypted
        retry_seconds = self._pace.retry_seconds() if is_late else 0
        self._broker.admit(upgrade.channel, client.budgets, retry_seconds)
        return upgrade, Admission(client.budgets, client.client, token, origin)

    def _check_address(self, client: PendingClient) -> None:
        """Raises Refusal if an address may not use the relay."""
        try:
            self._broker.access.check_address(client.client)
        except Refusal as refusal:
            self._count(refusal)
            raise

    def _count(self, refusal: Refusal) -> None:
        """Count a refusal by its slug, and note whether it refuses an origin."""
        self._broker.counters.refused[refusal.counted] += 1
        if refusal.counted == "origin_not_allowed":
            self._origins_at_refusal = self._broker.access.origins
