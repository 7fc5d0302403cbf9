"""Cluster: several relays, and the HAProxies in front of them."""

from dataclasses import dataclass

from vaultrelay.commands.haproxy_cfg.servers import Server
from vaultrelay.policy.limits.defaults import DEFAULT_MAX_CONNECTIONS


@dataclass(frozen=True)
class Cluster:
    """The relays, either workers or nodes, and what HAProxy needs to know."""

    workers: int = 0
    nodes: tuple[Server, ...] = ()
    spare: int = 0
    sockets: str = "/run/vault-relay"
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    maxconn: int = 0
    max_per_address: int = 0
    certificate: str = "/etc/haproxy/relay.example.org.pem"
    is_plain: bool = False
    bind: str = ""
    port: int = 443
    peers: tuple[Server, ...] = ()
    local_peer: str = "here"
    peer_certificate: str = "/etc/haproxy/peers.pem"
    runtime_folder: str = "/run/haproxy"
    log: str = "/dev/log"
    user: str = "haproxy"
    group: str = "haproxy"

    @property
    def relays(self) -> int:
        """The most relays that there may be."""
        return (self.workers or len(self.nodes)) + self.spare

    @property
    def devices(self) -> int:
        """The capacity of all of them together."""
        return self.relays * self.max_connections
