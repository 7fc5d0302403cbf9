"""RelayService: broker, WebSocket, pages and listeners, joined to one Twisted service."""

from collections.abc import Collection, Generator, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.web.server import Site

from vaultrelay import __version__
from vaultrelay.app.broker_service import BrokerService
from vaultrelay.app.listeners import Listeners
from vaultrelay.app.routes import Routes
from vaultrelay.broker.broker import Broker
from vaultrelay.broker.session import Session
from vaultrelay.certificates.pair import utc_now
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.observe.evidence import Evidence
from vaultrelay.observe.privacy import privacy_notice
from vaultrelay.observe.session_log import SessionLog
from vaultrelay.observe.warnings import diagnose
from vaultrelay.observe.watch import Watch
from vaultrelay.policy.finding import Finding
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import (
    DRAIN_RESERVE_SECONDS,
    HURRY_SECONDS,
    LAST_ANSWERS_SECONDS,
    SHORTEST_DRAIN_SECONDS,
)
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.transport.front_door import FrontDoorFactory
from vaultrelay.transport.haproxy_peers import Announcer
from vaultrelay.transport.hub import make_hub
from vaultrelay.transport.listen import ListeningService
from vaultrelay.transport.pending import PendingConnections
from vaultrelay.transport.visitors import Visitors
from vaultrelay.web.pages import make_site
from vaultrelay.websocket.factory import DeviceFactory

if TYPE_CHECKING:
    from vaultrelay.app.admin_service import AdminService


class RelayService(MultiService):
    """One relay: listens, relays, and drains before it stops.

    Raises BadEndpoint when made from an endpoint string that is none, and CannotListen when started
    where it cannot listen.
    """

    _admin: "AdminService | None" = None
    _deadline: IDelayedCall
    _is_hurried = False

    def __init__(self, settings: Settings, reactor: Any, *, log: RelayLog) -> None:
        super().__init__()
        self.settings = settings
        self.log = log
        self._session_log = SessionLog(log)
        self._troubles: tuple[str, ...] = ()
        self._plain_addresses: tuple[str, ...] = ()
        self._reactor = reactor
        self.broker = Broker(
            reactor,
            settings.broker,
            on_join=self._joined,
            on_end=self._session_log.ended,
        )
        ledger = Ledger(settings.max_buffer)
        self.hub = make_hub(reactor, ledger, log=log)
        self.hub.setServiceParent(self)
        waiting = PendingConnections(reactor, settings.shares.waiting)
        self.devices = DeviceFactory(
            reactor=reactor,
            open_session=self.broker.open,
            message_bytes=settings.limits.message_bytes,
            ledger=ledger,
            on_closing=waiting.add_closing,
            on_closed=waiting.remove,
            log=log,
        )
        self.routes = Routes(
            self.broker, self.devices, self._make_site(), on_refusal=self._session_log.refused
        )
        self._keeper = BrokerService(self.broker, reactor, log=log)
        self._keeper.setServiceParent(self)
        self.visitors = Visitors(
            reactor,
            self.broker.budgets,
            _trusted(settings),
            self.broker.counters,
        )
        self.door = FrontDoorFactory(
            reactor,
            self.routes.public,
            self.visitors,
            self.broker.counters.refused,
            waiting,
            log=log,
        )
        self._announcer = Announcer(reactor, self._channels_to_announce, log=log)
        self.door.announcer = self._announcer
        self._watch = Watch(self._evidence, reactor, log=log)
        self.listeners = Listeners(settings, self.hub, self.door, waiting)
        self.listeners.setServiceParent(self)
        if settings.runtime_folder:
            # Windows has no unix sockets, so no such folder.
            from vaultrelay.app.health_socket import HealthSocket

            # After the listeners, whose ports give it its name.
            health = HealthSocket(
                self.hub,
                settings.runtime_folder,
                self.routes.pages,
                self.listeners.port_numbers,
                log=log,
            )
            health.setServiceParent(self)
        if settings.admin:
            # Only then, so that it costs nothing where nobody asks for it.
            from vaultrelay.app.admin_service import AdminService

            self._admin = AdminService(self, self.hub, log=log)
            self._admin.setServiceParent(self)

    @property
    def ports(self) -> list[IListeningPort]:
        """The ports that devices reach, in the order of the settings."""
        return self.listeners.ports

    def where(self) -> str:
        """Where devices reach the relay, for the log and the status page."""
        return self.listeners.where()

    @property
    def unix_paths(self) -> list[str]:
        """The files of the unix sockets that the relay made."""
        return [listener.unix_path for listener in self._all_listeners if listener.unix_path]

    def findings(self) -> Sequence[Finding]:
        """What the relay notices about how it is run, as of now."""
        return diagnose(self._evidence())

    def startService(self) -> None:
        self.log.configure(self.settings.log)
        super().startService()
        self._plain_addresses = self.listeners.plain_addresses()
        self.log.info(
            "VaultMesh relay {version} listens on {where}; {options}",
            version=__version__,
            where=self.where(),
            options=self.settings.described(),
        )
        if self.settings.service_links:
            self.log.info(
                "Ignored, as Kubernetes sets them for its services: {names}. enableServiceLinks: "
                "false in the pod's spec leaves them out",
                names=", ".join(self.settings.service_links),
            )
        if self._admin is not None:
            self._admin.tell()
        self._watch.setServiceParent(self)

    def change(
        self, settings: Settings, troubles: Sequence[str] = (), renews_tickets: bool = False
    ) -> list[str]:
        """Go on under other settings; the names of those that take a restart and stay as they were.

        `troubles` are sentences on what could not be read, and stays as it was, too. No connection
        is dropped, but of those that may not be here any more. Devices are held to the limits that
        they were told. `renews_tickets`: the keys of TLS session tickets are replaced, too.
        """
        before = self.settings
        settings, left = settings.taken_over_by(before)
        of_broker, proxies = settings.broker, _trusted(settings)
        # What could fail has not: from here on all of it is in force.
        self.settings = settings
        self.listeners.serve(settings.pairs, renews_tickets)
        self.door.waiting.configure(settings.shares.waiting)
        if (settings.trusted_proxies, settings.access.denied) != (
            before.trusted_proxies,
            before.access.denied,
        ):
            self.visitors.trust(proxies)
        self.devices.ledger.change_limit(settings.max_buffer)
        self.routes.site = self._make_site()
        if settings.access.origins != before.access.origins:
            self.routes.origin_refused = False
        if self._admin is not None and settings.admin_hosts != before.admin_hosts:
            self._admin.host_refused = False
        self.log.configure(self.settings.log)
        if gone := self.broker.configure(of_broker):
            self.log.info(
                "Closed, as they may not be here any more: {count} connections", count=gone
            )
        self._troubles = tuple(troubles)
        self._watch.look()
        return left

    @inlineCallbacks
    def stopService(self) -> Generator[Deferred[Any], Any, None]:
        """Drain, then stop listening: until then devices and health checks get an answer.

        Where systemd holds the socket, newcomers are left to the relay that comes next.
        """
        count = self.broker.joined
        if self.running:
            yield self.listeners.stop(inherited_only=True)
            seconds = self.settings.drain_seconds
            if count:
                self.log.info(
                    "Stopping: {count} devices leave in {seconds} s", count=count, seconds=seconds
                )
            self._deadline = self._reactor.callLater(
                max(seconds - DRAIN_RESERVE_SECONDS, SHORTEST_DRAIN_SECONDS), self._drain_is_over
            )
            drained = self._keeper.drain(seconds)
            if self._is_hurried:
                self._close_all()
            yield drained
            yield self.devices.all_gone()
            if self._deadline.active():
                self._deadline.cancel()
            yield self.listeners.stop()
            yield self.door.waiting.wait_until_empty(LAST_ANSWERS_SECONDS)
        self._announcer.close()
        yield super().stopService()

    def hurry(self) -> None:
        """End a drain now: close every device, and cut off those that do not answer at once.

        Asked again, cut off all that are left.
        """
        if self._is_hurried:
            self.devices.abort_all()
            return
        self._is_hurried = True
        if self.broker.draining:
            self._close_all()

    def _close_all(self) -> None:
        self.log.info("Stopping now: {count} devices are closed at once", count=self.broker.joined)
        self.broker.close_all()
        if self._deadline.active():
            self._deadline.reset(HURRY_SECONDS)

    def _drain_is_over(self) -> None:
        self.log.warn(
            "{count} connections did not end in time, and are cut off", count=self.devices.count
        )
        self.devices.abort_all()

    @property
    def _all_listeners(self) -> list[ListeningService]:
        return [*self.listeners.all, *([self._admin.listener] if self._admin else [])]

    def _joined(self, session: Session) -> None:
        self._session_log.joined(session)
        if session.channel is not None and len(session.channel.sessions) == 1:
            self._announcer.began(session.channel.key)

    def _channels_to_announce(self) -> Collection[bytes]:
        # A relay that drains sends its channels elsewhere.
        return () if self.broker.draining else self.broker.channels

    def _evidence(self) -> Evidence:
        return Evidence(
            self.settings,
            self.broker,
            self.visitors.noticed,
            self._troubles,
            utc_now(),
            tuple(filter(None, (listener.open_socket for listener in self._all_listeners))),
            self.routes.origin_refused,
            self._admin is not None and self._admin.host_refused,
            self.visitors.proxy_faults,
            self._plain_addresses,
        )

    def _make_site(self) -> Site:
        return make_site(
            self.broker,
            __version__,
            self.settings.urls_to_show,
            lambda: privacy_notice(self.settings, under_twistd=not self.log.format_applies),
            asks_token=self.settings.access.tokens is not None,
            node_name=self.settings.node_name,
        )


def _trusted(settings: Settings) -> TrustedProxies:
    return TrustedProxies(settings.trusted_proxies, settings.access.denied)
