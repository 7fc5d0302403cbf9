"""Evidence: what the relay looks at to find out what is wrong with how it is run."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from vaultrelay.broker.broker import Broker
from vaultrelay.config.settings import Settings
from vaultrelay.transport.listen import OpenSocket
from vaultrelay.transport.visitors import Noticed


@dataclass(frozen=True)
class Evidence:
    """What there is to be looked at.

    `troubles` are of the last reading of the options, `proxy_faults` those of PROXY_FAULTS that
    were seen lately. `plain_addresses` are those of the Internet on which the relay listens without
    TLS.
    """

    settings: Settings
    broker: Broker
    noticed: Noticed
    troubles: tuple[str, ...]
    now: datetime
    open_sockets: tuple[OpenSocket, ...] = ()
    origin_refused: bool = False
    admin_host_refused: bool = False
    proxy_faults: Collection[str] = ()
    plain_addresses: tuple[str, ...] = ()
