"""The command line of ``vault-relay haproxy``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from getopt import GetoptError, gnu_getopt

from vaultrelay.commands.haproxy_cfg.servers import (
    HIGHEST_PORT,
    BadUsage,
    Server,
    is_address,
    read_name,
    read_number,
    read_servers,
)
from vaultrelay.policy.limits import DEFAULT_MAX_CONNECTIONS, MOST_RELAYS

USAGE = f"""\
Usage: vault-relay haproxy --workers N [options]
       vault-relay haproxy --node [NAME=]HOST:PORT --node ... [options]

Prints a whole haproxy.cfg for HAProxy 2.6 or later in front of several relays,
on which all devices of a channel always meet in one relay. docs/scaling.rst
says when that is of use, and what happens when a relay comes or goes.

  --workers N              Relays on this machine, from the systemd template:
                           systemctl enable --now vault-relay@{{1..N}}
  --sockets FOLDER         Where they are: worker 1 listens on FOLDER/1/devices.
                           Default /run/vault-relay.
  --node [NAME=]HOST:PORT  A relay on any machine; once for each. HAProxy knows
                           it by its name, or else by HOST:PORT. One that keeps
                           its name keeps its channels, whatever else changes.
  --spare N                Places for relays that are added while HAProxy runs:
                           more workers, or nodes spare1 to spareN. Default 0.
  --max-connections N      What each relay takes by its own --max-connections.
                           Default {DEFAULT_MAX_CONNECTIONS}.
  --maxconn N              Connections that this HAProxy takes. Default as many
                           as all relays together.
  --max-per-address N      Connections of one address, or one /64 of IPv6, that
                           HAProxy takes. Default a quarter of all. Other limits
                           of addresses and networks follow it.
  --certificate FILE       Certificate chain and then key, in one file. Default
                           /etc/haproxy/relay.example.org.pem.
  --plain                  No TLS, neither here nor between peers: for tests.
  --bind ADDRESS           Where devices come in. Default every address.
  --port N                 Default 443, or 80 with --plain.
  --peer NAME=HOST:PORT    Every HAProxy of several, this one too: where they
                           tell each other which channel is on which relay.
  --local-peer NAME        Which of them this one is.
  --peer-certificate FILE  Certificate and key by which they know each other,
                           the same on each. Default /etc/haproxy/peers.pem.
  --runtime-folder FOLDER  Of HAProxy's own sockets; it must be there. Default
                           /run/haproxy.
  --log FILE               Where the log goes: a socket, or stdout. Default
                           /dev/log.
  --user NAME              Whom HAProxy runs as. Default haproxy.
  --group NAME             Default vault-relay for workers, whose sockets are
                           open to it; haproxy for nodes.
  --help                   Print this text.
"""
_WITH_VALUE = (
    *("workers", "sockets", "node", "spare", "max-connections", "maxconn", "max-per-address"),
    *("certificate", "bind", "port", "peer", "local-peer", "peer-certificate"),
    *("runtime-folder", "log", "user", "group"),
)
_FLAGS = [*(f"{name}=" for name in _WITH_VALUE), "plain", "help"]
_REPEATABLE = ("--node", "--peer")
_STDOUT = "stdout"
_MOST_DEVICES = 1_000_000
_MOST_CONNECTIONS = 10_000_000
_FILE = re.compile(r"/[A-Za-z0-9_.,@+/-]*")


class HelpAsked(Exception):
    """The command line asks for the usage."""


@dataclass(frozen=True)
class Cluster:
    """The relays, of one of two kinds, and the HAProxies in front of them."""

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


def read_options(arguments: Sequence[str]) -> Cluster:
    """Return the cluster of a command line. Raises BadUsage if it is invalid."""
    try:
        given, rest = gnu_getopt(list(arguments), "", _FLAGS)
    except GetoptError as error:
        raise BadUsage(ascii(str(error))[1:-1]) from None
    once = dict(given)
    if "--help" in once:
        raise HelpAsked
    if rest:
        raise BadUsage(f"haproxy takes options alone, and not {rest[0]!a}")
    for name in once:
        if name not in _REPEATABLE and sum(name == other for other, _ in given) > 1:
            raise BadUsage(f"{name} stands there twice")
    options = _Options(once)
    nodes = read_servers("--node", [value for name, value in given if name == "--node"])
    peers = read_servers("--peer", [value for name, value in given if name == "--peer"])
    is_plain = "--plain" in once
    if ("--workers" in once) == bool(nodes):
        raise BadUsage(
            "haproxy wants either --workers, for relays on this machine, or --node for each relay"
        )
    if nodes and "--sockets" in once:
        raise BadUsage("--sockets goes with --workers; a node has a port")
    if peers and "--workers" in once:
        raise BadUsage(
            "--peer goes with --node: another HAProxy cannot reach the sockets of this machine"
        )
    cluster = Cluster(
        workers=0 if nodes else options.number("--workers", MOST_RELAYS, 0),
        nodes=nodes,
        spare=options.number("--spare", MOST_RELAYS, 0, least=0),
        sockets=options.file("--sockets", Cluster.sockets),
        max_connections=options.number("--max-connections", _MOST_DEVICES, Cluster.max_connections),
        maxconn=options.number("--maxconn", _MOST_CONNECTIONS, 0),
        max_per_address=options.number("--max-per-address", _MOST_CONNECTIONS, 0),
        certificate=options.file("--certificate", Cluster.certificate),
        is_plain=is_plain,
        bind=options.address("--bind"),
        port=options.number("--port", HIGHEST_PORT, 80 if is_plain else Cluster.port),
        peers=peers,
        local_peer=_local_peer(once.get("--local-peer"), peers, nodes),
        peer_certificate=options.file("--peer-certificate", Cluster.peer_certificate),
        runtime_folder=options.file("--runtime-folder", Cluster.runtime_folder),
        log=_STDOUT if once.get("--log") == _STDOUT else options.file("--log", Cluster.log),
        user=options.name("--user", Cluster.user),
        group=options.name("--group", Cluster.group if nodes else "vault-relay"),
    )
    if cluster.relays > MOST_RELAYS:
        raise BadUsage(
            f"that is {cluster.relays} relays with the spare ones; {MOST_RELAYS} is most"
        )
    return cluster


class _Options:
    """The options that are given once."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = given

    def number(self, name: str, most: int, default: int, least: int = 1) -> int:
        text = self._given.get(name)
        return default if text is None else read_number(name, text, least, most)

    def file(self, name: str, default: str) -> str:
        text = self._given.get(name, default)
        if not _FILE.fullmatch(text):
            raise BadUsage(
                f"{name}: {text!a} must be a path from / on, of letters, digits and "
                "_ . , @ + -, which HAProxy reads without quotes"
            )
        return text.rstrip("/") or "/"

    def name(self, name: str, default: str) -> str:
        return read_name(name, self._given.get(name, default))

    def address(self, name: str) -> str:
        text = self._given.get(name, "").removeprefix("[").removesuffix("]")
        if name in self._given and not is_address(text):
            raise BadUsage(f"{name}: {text!a} is no IP address")
        return text


def _local_peer(name: str | None, peers: Sequence[Server], nodes: Sequence[Server]) -> str:
    local = _one_of(name, peers)
    # Relays are peers, too: HAProxy would take one of the same name for itself.
    for taken in {local, *(peer.name for peer in peers)} & {node.name for node in nodes}:
        raise BadUsage(
            f"--node: {taken} is the name of {'this' if taken == local else 'a'} HAProxy"
        )
    return local


def _one_of(name: str | None, peers: Sequence[Server]) -> str:
    if not peers:
        if name is not None:
            raise BadUsage("--local-peer goes with --peer, one for each HAProxy")
        return Cluster.local_peer
    names = ", ".join(peer.name for peer in peers)
    if name is None or name not in [peer.name for peer in peers]:
        raise BadUsage(f"--local-peer must say which of {names} this HAProxy is")
    if len(peers) == 1:
        raise BadUsage("--peer stands for each HAProxy, this one and at least one other")
    return name
