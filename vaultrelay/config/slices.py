"""Slices: the parts of Settings for the packages above, which cannot be imported here.

BrokerSettings, which the broker declares itself, is the model.
"""

from dataclasses import dataclass

from vaultrelay.cluster.url import NodeUrl


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """The settings of the public pages. `asks_token`: devices need an access token."""

    public_urls: tuple[str, ...] = ()
    asks_token: bool = False
    node_name: str = ""


@dataclass(frozen=True, kw_only=True)
class AdminSettings:
    """The host names of the admin endpoint, and the admin endpoints of other relays."""

    hosts: tuple[str, ...] = ()
    nodes: tuple[NodeUrl, ...] = ()
