"""MailboxService: opens the mailbox, and runs it between its thread and the reactor."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service

from vaultrelay.app.exit_status import CannotStart
from vaultrelay.app.mailbox_actions import MailboxActions
from vaultrelay.app.mailbox_control import MailboxControl
from vaultrelay.broker.broker import Broker
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.mailbox.payers import Payers
from vaultrelay.mailbox.streams import MailboxStreams
from vaultrelay.policy.limits.mailbox import (
    START_SECONDS,
    STOP_SECONDS,
    WINDOW_BYTES,
)
from vaultrelay.policy.limits.timeouts import TICK_SECONDS
from vaultrelay.policy.mailbox_health import MailboxHealth
from vaultrelay.store.clerk import Clerk
from vaultrelay.store.sqlite.opening import has_wal_fault, open_sqlite_store
from vaultrelay.store.store import StoreLimits, StoreRefused
from vaultrelay.store.supervisor import State
from vaultrelay.transport.periodic import PeriodicTask
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.announced import MailboxLimits

if TYPE_CHECKING:
    from vaultrelay.observe.relay_snapshot import MailboxSnapshot

KEY_FILE = "key"
"""In the folder of the mailbox, unless --mailbox-key names another."""
_CAN_READ = (State.OPEN, State.FULL)


class MailboxService(Service):
    """The mailbox of one relay while it runs. Raises CannotStart if it must not be opened."""

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        *,
        broker: Broker,
        devices: DeviceFactory,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._broker = broker
        self._limits = store_limits(settings)
        self._folder = Path(settings.mailbox)
        self._key = Path(settings.mailbox_key or self._folder / KEY_FILE)
        self._free_bytes = settings.free_bytes
        self._state, self._fault = State.OPENING, ""
        self.clerk = Clerk(self._open, reactor.callFromThread, self._state_changed)
        self.payers = Payers(reactor, settings.address_bytes, is_open=settings.is_mailbox_open)
        self.streams = MailboxStreams(
            self.clerk,
            clock=reactor,
            ledger=devices.ledger,
            shares=devices.backpressure.shares,
            give_way=devices.core_shares.give_way,
            gathering=devices.batch,
            payers=self.payers,
            limits=announced_limits(settings),
        )
        actions = MailboxActions(self, lambda: broker.channels, self._name_of)
        self._control = MailboxControl(self._folder, actions, reactor, log=log)
        self._ticking = PeriodicTask(self._tick, reactor, "Cannot look after the mailbox", log=log)

    @property
    def health(self) -> MailboxHealth:
        """What the operator should know."""
        return MailboxHealth(self._state.value, self._fault, is_old_sqlite=has_wal_fault())

    @property
    def limit_bytes(self) -> int:
        """The limit of all stored messages."""
        return self._limits.total_bytes

    def snapshot(self) -> "MailboxSnapshot":
        """Return the current figures; those of the store are some seconds old."""
        # Only the admin pages need it.
        from vaultrelay.observe.relay_snapshot import MailboxSnapshot

        clerk, counters = self.clerk, self.streams.counters
        usage = clerk.usage
        return MailboxSnapshot(
            state=self._state.value,
            limit_bytes=self.limit_bytes,
            items=usage and usage.items,
            bytes=usage and usage.bytes,
            file_bytes=usage and usage.file_bytes,
            expired=usage and usage.expired,
            puts=counters.puts,
            gaps=counters.gaps,
            delivered_live=counters.delivered_live,
            delivered_replay=counters.delivered_replay,
            commits=clerk.commits,
            commit_seconds=clerk.commit_seconds,
            waiting_bytes=clerk.waiting_bytes,
        )

    def configure(self, settings: Settings) -> None:
        """Apply other limits."""
        self._limits = limits = store_limits(settings)
        self.clerk.configure(limits)
        self.payers.address_bytes = settings.address_bytes
        # There may be a list of tokens or channels now.
        self.payers.is_open = settings.is_mailbox_open
        self.streams.configure(announced_limits(settings))

    def startService(self) -> None:
        try:
            self.clerk.start(START_SECONDS)
        except StoreRefused as error:
            raise CannotStart(f"cannot open the mailbox: {error}") from None
        # The first change of state is still on its way here.
        self._state = self.clerk.state
        if self._state not in _CAN_READ:
            self.streams.store_left()
        else:
            self._control.startService()
        super().startService()
        self._broker.open_mailbox(self.streams)
        self._ticking.start(TICK_SECONDS)

    def stopService(self) -> object:
        if not self.running:
            return None
        super().stopService()
        self._ticking.stop()
        closed = self._control.stopService()
        if not self.clerk.stop(STOP_SECONDS):
            self._log.warn(
                "The mailbox did not close within {seconds} s: its disk does not respond",
                seconds=STOP_SECONDS,
            )
        return closed

    def _tick(self) -> None:
        self.streams.tick()
        self.payers.forget_paid()

    def _name_of(self, channel: bytes) -> str | None:
        return self._log.names.of(None, channel).get("channel")

    def _open(self) -> Any:
        # In the clerk's thread, also when the store is opened again.
        return open_sqlite_store(self._folder, self._key, self._limits, self._free_bytes)

    def _state_changed(self, state: State, fault: Exception | None) -> None:
        could_read = self._state in _CAN_READ
        self._state, self._fault = state, "" if fault is None else str(fault)
        if state in _CAN_READ and self.running and not self._control.running:
            # Before, the folder was not known to be ours, and its disk may not have responded.
            self._control.startService()
        if state is State.OPEN:
            self.streams.store_returned()
        elif could_read and state not in _CAN_READ:
            self.streams.store_left()


def store_limits(settings: Settings) -> StoreLimits:
    """Return the limits of the store."""
    return StoreLimits(
        retention=settings.retention,
        item_bytes=settings.max_item_bytes,
        channel_bytes=settings.channel_bytes,
        channel_items=settings.channel_items,
        total_bytes=settings.total_bytes,
        payer_bytes=settings.payer_bytes,
    )


def announced_limits(settings: Settings) -> MailboxLimits:
    """Return the limits that a welcome announces."""
    return MailboxLimits(
        settings.retention,
        settings.max_item_bytes,
        settings.channel_bytes,
        settings.channel_items,
        WINDOW_BYTES,
    )
