"""Slices: the parts of Settings for what stands on the floors above, and so cannot be named here.

BrokerSettings, which the broker declares itself, is the model.
"""

from dataclasses import dataclass

from vaultrelay.certificates.pair import CertificatePair
from vaultrelay.cluster.url import NodeUrl


@dataclass(frozen=True, kw_only=True)
class ListenerSettings:
    """Where to listen: at endpoint strings, else at a port. `pairs` are the certificates of each
    listener. A reload takes over these alone."""

    listen: tuple[str, ...] = ()
    bind: str
    port: int
    pairs: tuple[tuple[CertificatePair, ...], ...] = ((),)


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """What the public pages show. `asks_token`: devices need an access token."""

    public_urls: tuple[str, ...] = ()
    asks_token: bool = False
    node_name: str = ""


@dataclass(frozen=True, kw_only=True)
class AdminSettings:
    """The admin endpoint, the host names it answers to, and the admin endpoints of other relays."""

    endpoint: str
    hosts: tuple[str, ...] = ()
    nodes: tuple[NodeUrl, ...] = ()
