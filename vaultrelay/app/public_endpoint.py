"""PublicEndpoint: the request dispatcher of the relay's own ports, with its routes and pages."""

from typing import Any

from vaultrelay import __version__
from vaultrelay.app.routes import Routes
from vaultrelay.broker.broker import Broker
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.observe.session_log import SessionLog
from vaultrelay.policy.join_pace import JoinPace
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.transport.client_budgets import PendingClients
from vaultrelay.transport.haproxy_peers import Announcer
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.web.page_resource import QuietSite
from vaultrelay.web.pages import Pages, Privacy
from vaultrelay.websocket.factory import DeviceFactory


class PublicEndpoint:
    """The parts between an accepted connection and its device connection or page."""

    def __init__(
        self,
        reactor: Any,
        *,
        broker: Broker,
        devices: DeviceFactory,
        pending: PendingConnections,
        pace: JoinPace,
        privacy: Privacy,
        session_log: SessionLog,
        log: RelayLog,
    ) -> None:
        self._pages = Pages(broker, version=__version__, privacy=privacy)
        self.routes = Routes(
            broker=broker,
            devices=devices,
            pace=pace,
            site=QuietSite(self._pages),
            on_refusal=session_log.refused,
        )
        # A draining relay sends its channels to other relays.
        self.announcer = Announcer(
            reactor, lambda: () if broker.draining else broker.channels, log=log
        )
        self.dispatcher = DispatcherFactory(
            reactor,
            self.routes.public,
            pending=pending,
            clients=PendingClients(
                reactor,
                book=broker.budgets,
                counters=broker.counters,
                make_room=pending.evict_oldest,
            ),
            announcer=self.announcer,
            log=log,
        )

    def configure(self, settings: Settings) -> None:
        """Configure each part."""
        proxies = TrustedProxies.read(settings.trusted_proxies, settings.denied)
        self.dispatcher.clients.configure(proxies)
        self.dispatcher.pending.configure(settings.shares.waiting)
        self._pages.configure(
            public_urls=settings.urls_to_show,
            asks_token=settings.tokens is not None,
            node_name=settings.node_name,
        )
