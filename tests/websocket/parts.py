"""A factory without a relay, its connections, and stand-ins for what is around a part of one."""

from types import SimpleNamespace
from typing import Any

from twisted.internet.testing import MemoryReactorClock

from tests.memory import Transport
from tests.recorded_log import RecordedLog
from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.broker.stages import Stage
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.broken_rule import BrokenRule, Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.upgrade import Upgrade

MOST = 2000
UPGRADE = AdmittedUpgrade(Upgrade(3, "dGhlIHNhbXBsZSBub25jZQ==", None, None))


def make_factory(message_bytes: int = MOST, **changes: Any) -> DeviceFactory:
    """A factory whose connections get a RecordingSession; keywords change its arguments."""
    clock: Any = MemoryReactorClock()
    arguments = {
        "reactor": clock,
        "open_session": RecordingSession,
        "message_bytes": message_bytes,
        "ledger": Ledger(1 << 40),
        "log": RecordedLog(),
    }
    return DeviceFactory(**(arguments | changes))


def connect(factory: DeviceFactory) -> Any:
    """A connection of the factory, on a transport in memory."""
    connection = factory.buildProtocol(UPGRADE)
    transport = Transport()
    transport.protocol = connection
    connection.makeConnection(transport)
    return connection


class RecordingListener:
    """A FrameListener that keeps what it is called with."""

    def __init__(self) -> None:
        self.is_closing = False
        self.heard: list[Any] = []

    def frame_begun(self) -> None:
        self.heard.append("frame")

    def message_begun(self, is_binary: bool) -> None:
        self.heard.append(("begun", is_binary))

    def message_refused(self, rule: Rule | None) -> None:
        self.heard.append(("refused", rule))

    def message_received(self, payload: bytes, is_binary: bool) -> None:
        self.heard.append((payload, is_binary))

    def pinged(self, payload: bytes) -> None:
        self.heard.append(("ping", payload))

    def rule_broken(self, code: int | None, reason: bytes) -> None:
        self.heard.append(code)

    def close_received(self) -> None:
        self.heard.append("close")


class RecordingSession:
    """A session that keeps what it gets; `failing` names methods that raise."""

    def __init__(
        self, outbox: Any = None, named_channel: Any = None, admission: Any = None
    ) -> None:
        self.outbox = outbox
        self.stage = Stage.JOINED
        self.channel: Any = SimpleNamespace(key=b"a channel")
        self.budgets: tuple[Any, ...] = ()
        self.flow = SimpleNamespace(gate=ReadGate(outbox))
        self.heard: list[Any] = []
        self.pause_at: Any = None
        self.failing: set[str] = set()

    def _keep(self, method: str, what: Any) -> None:
        self.heard.append(what)
        if method in self.failing:
            raise RuntimeError(f"a mistake of ours in {method}")
        if what == self.pause_at:
            self.outbox.pause()

    def text_received(self, text: bytes) -> None:
        self._keep("text_received", text.decode())

    def data_received(self, messages: list[bytes], start: int = 0) -> int:
        self._keep("data_received", bytes(messages[start]))
        return start + 1

    def frame_received(self) -> None:
        self._keep("frame_received", "frame")

    def ping_received(self) -> None:
        self._keep("ping_received", "ping")

    def queue_full(self) -> None:
        self._keep("queue_full", "full")

    def hold_sender(self, sender: object) -> None:
        self._keep("hold_sender", ("hold", sender))

    def queue_drained(self) -> None:
        self._keep("queue_drained", "drained")

    def break_rule(self, rule: Rule | BrokenRule, code: CloseCode = CloseCode.BAD_MESSAGE) -> None:
        self.close(code, rule=rule.slug)

    def close(self, code: CloseCode, cause: str = "", **details: object) -> None:
        if self.stage is Stage.CLOSED:
            return
        self.stage = Stage.CLOSED
        self.channel = None
        self._keep("close", (code, details))
        self.outbox.close(code.number, code.reason(**details))

    def connection_lost(self, clean: bool) -> None:
        if self.stage is Stage.CLOSED:
            return
        self.stage = Stage.CLOSED
        self.channel = None
        self._keep("connection_lost", ("lost", clean))
