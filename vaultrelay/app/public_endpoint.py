"""PublicEndpoint: the front door of the relay's own ports, with its routes and pages."""

from typing import Any

from vaultrelay import __version__
from vaultrelay.app.routes import Routes
from vaultrelay.broker.broker import Broker
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.observe.session_log import SessionLog
from vaultrelay.transport.front_door import FrontDoorFactory
from vaultrelay.transport.haproxy_peers import Announcer
from vaultrelay.transport.pending import PendingConnections
from vaultrelay.transport.visitors import Visitors
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
        privacy: Privacy,
        session_log: SessionLog,
        log: RelayLog,
    ) -> None:
        self._pages = Pages(broker, version=__version__, privacy=privacy)
        self.routes = Routes(
            broker=broker,
            devices=devices,
            site=QuietSite(self._pages),
            on_refusal=session_log.refused,
        )
        # A draining relay sends its channels to other relays.
        self.announcer = Announcer(
            reactor, lambda: () if broker.draining else broker.channels, log=log
        )
        self.door = FrontDoorFactory(
            reactor,
            self.routes.public,
            waiting=pending,
            visitors=Visitors(
                reactor,
                book=broker.budgets,
                counters=broker.counters,
                make_room=pending.evict_oldest,
            ),
            announcer=self.announcer,
            log=log,
        )

    def configure(self, settings: Settings) -> None:
        """Give each part its slice of the settings."""
        self.door.visitors.configure(settings.visitors)
        self.door.waiting.configure(settings.shares.waiting)
        self._pages.configure(settings.pages)
        self.routes.configure(settings.access.origins)
