"""RelayService: broker, WebSocket, pages and listeners, joined to one Twisted service."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort

from vaultrelay import __version__
from vaultrelay.broker.broker import Broker
from vaultrelay.broker.session import Session
from vaultrelay.broker_service import BrokerService
from vaultrelay.logs import log, set_level
from vaultrelay.policy.addresses import Addresses
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.finding import Finding
from vaultrelay.policy.limits import DRAIN_RESERVE_SECONDS, LISTEN_BACKLOG, SHORTEST_DRAIN_SECONDS
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.settings import Settings
from vaultrelay.transport.certificate import utc_now
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.front_door import FrontDoorFactory, Handover
from vaultrelay.transport.listen import Listening, ListeningService, shown
from vaultrelay.transport.proxy_protocol import ProxiedFactory
from vaultrelay.transport.tls import ServerTls
from vaultrelay.transport.visitors import Visitor, Visitors
from vaultrelay.web.leaf import page_head
from vaultrelay.web.pages import make_site
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.refusal import Refusal, bad_request
from vaultrelay.wire.request import Request
from vaultrelay.wire.upgrade import read_upgrade

if TYPE_CHECKING:
    from vaultrelay.admin.service import AdminService


class RelayService(MultiService):
    """One relay: listens, relays, and drains before it stops.

    Raises BadEndpoint when made from an endpoint string that is none, and CannotListen when started
    where it cannot listen.
    """

    _admin: "AdminService | None" = None

    def __init__(self, settings: Settings, reactor: Any) -> None:
        super().__init__()
        self.settings = settings
        self._reactor = reactor
        self.broker = Broker(
            reactor,
            settings.limits,
            settings.max_connections,
            Audiences(settings.own_hosts),
            log_session_end,
            Addresses(settings.places_per_address),
        )
        self.devices = DeviceFactory(
            reactor,
            self.broker.open,
            settings.limits.message_bytes,
            settings.max_buffer,
        )
        self._site = make_site(self.broker, __version__, settings.urls_to_show)
        self._keeper = BrokerService(self.broker, reactor)
        self._keeper.setServiceParent(self)
        visitors = Visitors(
            reactor,
            self.broker.addresses,
            TrustedProxies(settings.trusted_proxies),
            self.broker.counters,
        )
        self.door = FrontDoorFactory(reactor, self.route, visitors, self.broker.counters.refused)
        waiting = self.door.waiting
        self.devices.leaving, self.devices.left = waiting.linger, waiting.leave
        behind_proxies = ProxiedFactory(self.door)
        self._listeners = [
            ListeningService(
                text,
                listening,
                behind_proxies if listening.is_proxied else self.door,
                waiting,
            )
            for text, listening in self._places()
        ]
        for listener in self._listeners:
            listener.setServiceParent(self)
        if settings.admin:
            # Only then, so that it costs nothing where nobody asks for it.
            from vaultrelay.admin.service import AdminService

            self._admin = AdminService(self, reactor)
            self._admin.setServiceParent(self)

    @property
    def ports(self) -> list[IListeningPort]:
        """The ports that are listened on, in the order of the settings."""
        return [listener.port for listener in self._listeners if listener.port is not None]

    def findings(self) -> Sequence[Finding]:
        """What the relay noticed about how it is run."""
        return ()

    def route(self, request: Request, visitor: Visitor) -> Handover:
        """Who serves a request: a device's connection, or the pages."""
        if request.wants_websocket:
            try:
                upgrade = read_upgrade(request)
            except Refusal as refusal:
                self.broker.counters.refused[refusal.error] += 1
                raise
            self.broker.admit(upgrade.channel, visitor.budget)
            return Handover(self.devices.build(upgrade, visitor.budget), b"", lasting=True)
        if request.lost_its_upgrade:
            raise bad_request(
                "This is a WebSocket request without 'Upgrade: websocket' and 'Connection: "
                "upgrade'. A proxy in front of the relay must pass both headers on."
            )
        return Handover(
            self._site.buildProtocol(visitor.address), page_head(request), lasting=False
        )

    def startService(self) -> None:
        set_level(self.settings.log_level)
        super().startService()
        log.info(
            "VaultMesh relay {version} listens on {where}; {options}",
            version=__version__,
            where=self.where(),
            options=self.settings.described(),
        )
        if self._admin is not None:
            self._admin.tell()
        for pair in self.settings.certificates:
            trouble = pair.trouble(utc_now())
            if trouble:
                log.error(
                    "DEVICES WILL REFUSE TO CONNECT: {trouble}. Renew it and restart the relay.",
                    trouble=trouble,
                )
        for variable in self.settings.unknown_variables:
            log.warn("{variable} is no option of the relay, see --help", variable=variable)
        if not self.settings.own_hosts:
            log.warn(
                "The relay does not know its own names, so it accepts proofs made for any. "
                "Name them with --public-url."
            )

    @inlineCallbacks
    def stopService(self) -> Generator[Deferred[Any], Any, None]:
        """Drain, then stop listening: until then devices and health checks get an answer."""
        count = self.broker.joined
        if self.running:
            seconds = self.settings.drain_seconds
            if count:
                log.info(
                    "Stopping: {count} devices leave in {seconds} s", count=count, seconds=seconds
                )
            deadline = self._reactor.callLater(
                max(seconds - DRAIN_RESERVE_SECONDS, SHORTEST_DRAIN_SECONDS), self._drain_is_over
            )
            yield self._keeper.drain(seconds)
            yield self.devices.all_gone()
            if deadline.active():
                deadline.cancel()
        yield super().stopService()

    def hurry(self) -> None:
        """End a drain now: cut every device off."""
        self.devices.abort_all()

    def _drain_is_over(self) -> None:
        log.warn(
            "{count} connections did not end in time, and are cut off", count=self.devices.count
        )
        self.hurry()

    def where(self) -> str:
        """Where devices reach the relay, as the log tells it."""
        settings = self.settings
        if settings.listen:
            return ", ".join(
                f"{text} ({shown(port)})"
                for text, port in zip(settings.listen, self.ports, strict=True)
            )
        address: Any = self.ports[0].getHost()
        tls = "with TLS" if settings.certificate else "without TLS"
        return f"port {address.port} of {settings.bind} {tls}"

    def _places(self) -> list[tuple[str, Listening]]:
        settings = self.settings
        if settings.listen:
            return [(text, read_endpoint(self._reactor, text)) for text in settings.listen]
        text = f"port {settings.port} of {settings.bind}"
        endpoint = TCP4ServerEndpoint(self._reactor, settings.port, LISTEN_BACKLOG, settings.bind)
        tls = None if settings.certificate is None else ServerTls([settings.certificate])
        return [(text, Listening(endpoint, tls))]


def log_session_end(session: Session) -> None:
    """One line for every session that ended: why, and how much passed. Nothing of who it was."""
    log.info(
        "Session ended: {why}; {seconds} s, {messages} messages, {bytes} bytes",
        why=session.close_code.slug if session.close_code else session.left_reason,
        seconds=session.lasted_seconds,
        messages=session.messages_in,
        bytes=session.bytes_in,
    )
