"""RelayState: the facts from which warnings are derived."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from vaultrelay.broker.broker import Broker
from vaultrelay.config.settings import Settings
from vaultrelay.policy.mailbox_health import MailboxHealth
from vaultrelay.transport.client_budgets import ProxyEvidence
from vaultrelay.transport.listening_service import OpenSocket


@dataclass(frozen=True, kw_only=True)
class RelayState:
    """The state of one relay at one moment, as far as warnings depend on it.

    `read_errors` are sentences from the last reading of the options, `proxy_faults` the slugs of
    recent PROXY_FAULTS. `plain_addresses` are public addresses with a listener without TLS,
    `native_faults` those of vaultrelay.native.
    """

    settings: Settings
    broker: Broker
    now: datetime
    proxy_evidence: ProxyEvidence = field(default_factory=ProxyEvidence)
    read_errors: tuple[str, ...] = ()
    open_sockets: tuple[OpenSocket, ...] = ()
    origin_refused: bool = False
    admin_host_refused: bool = False
    proxy_faults: Collection[str] = ()
    native_faults: Collection[str] = ()
    plain_addresses: tuple[str, ...] = ()
    mailbox: MailboxHealth | None = None
