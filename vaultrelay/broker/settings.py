"""BrokerSettings: the broker's slice of the settings."""

from dataclasses import dataclass, field

from vaultrelay.policy.access import Access
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.limits.defaults import DEFAULT_MAX_CONNECTIONS
from vaultrelay.policy.limits.pending import PENDING_PER_ADDRESS
from vaultrelay.policy.limits.session import SessionLimits


@dataclass(frozen=True, kw_only=True)
class BrokerSettings:
    """Limits and access rules. `per_address` is a number of devices, where 0 is no limit."""

    limits: SessionLimits = field(default_factory=SessionLimits)
    access: Access = field(default_factory=Access)
    audiences: Audiences = field(default_factory=lambda: Audiences(()))
    node_name: str = ""
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    per_address: int = 0
    pending_per_address: int = PENDING_PER_ADDRESS
