"""RelayService: connects, starts, reconfigures and stops the parts of one relay."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, inlineCallbacks

from vaultrelay.app.access_check import AccessCheck
from vaultrelay.app.broker_service import BrokerService
from vaultrelay.app.drain import DrainSequence
from vaultrelay.app.listeners import Listeners
from vaultrelay.app.memory_trim import MemoryTrim
from vaultrelay.app.public_endpoint import PublicEndpoint
from vaultrelay.app.start_log import log_start
from vaultrelay.broker.broker import Broker
from vaultrelay.broker.session import Session
from vaultrelay.certificates.server_certificate import utc_now
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.native import faults
from vaultrelay.observe.privacy import privacy_notice
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.observe.session_log import SessionLog
from vaultrelay.observe.warning_monitor import WarningMonitor
from vaultrelay.observe.warnings import diagnose
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.transport.hub import make_hub
from vaultrelay.transport.listening_service import ListeningService
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.websocket.factory import DeviceFactory

if TYPE_CHECKING:
    from vaultrelay.app.mailbox_service import MailboxService


class RelayService(MultiService):
    """One relay: listens, relays, and drains before it stops.

    Raises BadEndpoint if an endpoint string is invalid, and CannotListen at the start if it cannot
    listen.
    """

    def __init__(self, settings: Settings, reactor: Any, *, log: RelayLog) -> None:
        super().__init__()
        self.log = log
        self._session_log = SessionLog(log)
        self._plain_addresses: tuple[str, ...] = ()
        self.broker = Broker(
            reactor, settings.broker, on_join=self._joined, on_end=self._session_log.ended
        )
        pending = PendingConnections(reactor)
        self.hub = make_hub(reactor, Ledger(settings.buffer_bytes), log=log)
        self.devices = self._make_devices(settings.limits.message_bytes, pending)
        self._public = PublicEndpoint(
            reactor,
            broker=self.broker,
            devices=self.devices,
            pending=pending,
            pace=self.hub.pace,
            privacy=lambda: privacy_notice(self.settings, under_twistd=not log.format_applies),
            session_log=self._session_log,
            log=log,
        )
        self.dispatcher, self.clients = self._public.dispatcher, self._public.dispatcher.clients
        self.listeners = Listeners(settings, hub=self.hub, factory=self.dispatcher, pending=pending)
        self._access_check = AccessCheck(self.broker, reactor, log=log)
        self._watch = WarningMonitor(self.warnings, reactor, log=log)
        sessions = BrokerService(self.broker, reactor, log=log)
        self._drain = DrainSequence(
            reactor,
            sessions=sessions,
            devices=self.devices,
            listeners=self.listeners,
            pending=pending,
            log=log,
        )
        self._add_children(settings, sessions)
        self._configure(settings)

    def _make_devices(self, message_bytes: int, pending: PendingConnections) -> DeviceFactory:
        devices = DeviceFactory(
            reactor=self.hub.reactor,
            open_session=self.broker.open,
            message_bytes=message_bytes,
            ledger=self.hub.ledger,
            on_closing=pending.add_closing,
            on_closed=pending.remove,
            log=self.log,
        )
        self.hub.on_long_round = devices.core_shares.round_was_long
        return devices

    def _add_children(self, settings: Settings, sessions: BrokerService) -> None:
        """Add the parts that start and stop with the relay, in the order of their start.

        They stop in reverse order: the hub closes the remaining streams last.
        """
        trim = MemoryTrim(self.hub.ledger, self.hub.reactor, log=self.log)
        for service in (self.hub, trim, self._access_check, sessions):
            service.setServiceParent(self)
        # Before the listeners: it serves no device that joined before it opened.
        self.mailbox = self._make_mailbox(settings)
        self.listeners.setServiceParent(self)
        self._add_optional(settings)

    def _add_optional(self, settings: Settings) -> None:
        """Add the optional parts. Imports on demand save memory in relays without them."""
        if settings.runtime_folder:
            # Not on Windows, which has no unix sockets and no such folder.
            from vaultrelay.app.health_socket import HealthSocket

            # After the listeners, since its file name contains their ports.
            HealthSocket(
                self.hub,
                folder=settings.runtime_folder,
                source=settings.source_of("runtime-folder"),
                route=self._public.routes.pages,
                ports=self.listeners.port_numbers,
                log=self.log,
            ).setServiceParent(self)
        if settings.admin:
            from vaultrelay.app.admin_service import AdminService

            self._admin: AdminService | None = AdminService(
                settings, relay=self, hub=self.hub, log=self.log
            )
            self._admin.setServiceParent(self)
        else:
            self._admin = None

    def _make_mailbox(self, settings: Settings) -> "MailboxService | None":
        if not settings.mailbox:
            return None
        # Most relays keep nothing, and need no database.
        from vaultrelay.app.mailbox_service import MailboxService

        mailbox = MailboxService(
            settings, self.hub.reactor, broker=self.broker, devices=self.devices, log=self.log
        )
        mailbox.setServiceParent(self)
        return mailbox

    def _configure(
        self,
        settings: Settings,
        *,
        read_errors: Sequence[str] = (),
        renew_tickets: bool = False,
    ) -> None:
        """Configure each part, at the start and at a reload."""
        broker_settings = settings.broker
        self._public.configure(settings)
        # No part has raised: all settings are in force from here on.
        self.settings = settings
        self._read_errors = tuple(read_errors)
        self.log.configure(settings.log)
        self.listeners.configure(settings.pairs, renew_tickets=renew_tickets)
        self.devices.ledger.configure(settings.buffer_bytes, settings.limits.message_bytes)
        if self.mailbox is not None:
            self.mailbox.configure(settings)
        self.broker.configure(broker_settings)
        self._access_check.begin()

    @property
    def unix_paths(self) -> list[str]:
        """The files of the unix sockets that the relay made."""
        paths = (listener.endpoint.unix_path for listener in self._all_listeners)
        return list(filter(None, paths))

    def warnings(self) -> Sequence[OperatorWarning]:
        """Return the current warnings."""
        return diagnose(
            RelayState(
                settings=self.settings,
                broker=self.broker,
                now=utc_now(),
                proxy_evidence=self.clients.evidence,
                read_errors=self._read_errors,
                open_sockets=tuple(
                    filter(None, (each.open_socket for each in self._all_listeners))
                ),
                origin_refused=self._public.routes.origin_refused,
                admin_host_refused=self._admin is not None and self._admin.host_refused,
                proxy_faults=self.clients.proxy_faults,
                native_faults=faults(),
                plain_addresses=self._plain_addresses,
                mailbox=None if self.mailbox is None else self.mailbox.health,
            )
        )

    def startService(self) -> None:
        super().startService()
        self._plain_addresses = self.listeners.plain_addresses()
        log_start(self.settings, self.listeners.description(), self.log)
        if self._admin is not None:
            self._admin.announce(self.listeners.description())
        self._watch.setServiceParent(self)

    def change(
        self,
        settings: Settings,
        *,
        read_errors: Sequence[str] = (),
        renew_tickets: bool = False,
    ) -> list[str]:
        """Reload: apply other settings, and return the names of those that take a restart.

        `read_errors` are sentences on unreadable options, which keep their values. Only access
        rules close connections. Sessions keep the limits announced to them.
        `renew_tickets`: replace the keys of TLS session tickets, too.
        """
        settings, restart = settings.taken_over_by(self.settings)
        self._configure(settings, read_errors=read_errors, renew_tickets=renew_tickets)
        self._watch.look()
        return restart

    def report_read_errors(self, errors: Sequence[str]) -> None:
        """Replace the sentences on unreadable options; the settings stay as they are."""
        self._read_errors = tuple(errors)
        self._watch.look()

    @inlineCallbacks
    def stopService(self) -> Generator[Deferred[Any], Any, None]:
        """Drain if the relay runs, then stop all parts."""
        if self.running:
            yield self._drain.run(self.settings.drain_seconds)
        self._public.announcer.close()
        yield super().stopService()

    def abort_drain(self) -> None:
        """Shorten a drain; a second call ends it at once. See DrainSequence.abort."""
        self._drain.abort()

    @property
    def _all_listeners(self) -> list[ListeningService]:
        return [*self.listeners.all, *([self._admin.listener] if self._admin else [])]

    def _joined(self, session: Session) -> None:
        self._session_log.joined(session)
        if session.channel is not None and len(session.channel.sessions) == 1:
            self._public.announcer.began(session.channel.key)
