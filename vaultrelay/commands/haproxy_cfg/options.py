"""The arguments of ``vault-relay haproxy``."""

import re
from argparse import SUPPRESS, Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from vaultrelay.commands.haproxy_cfg.cluster import Cluster
from vaultrelay.commands.haproxy_cfg.servers import (
    HIGHEST_PORT,
    BadUsage,
    is_address,
    read_name,
    read_number,
    read_servers,
)
from vaultrelay.commands.parser import Argument, argument, command_parser
from vaultrelay.policy.limits.defaults import DEFAULT_MAX_CONNECTIONS
from vaultrelay.policy.limits.haproxy import MAX_RELAYS

_MAX_DEVICES = 1_000_000
_MAX_CONNECTIONS = 10_000_000
_FILE = re.compile(r"/[A-Za-z0-9_.,@+/-]*")


def _file(flag: str, text: str) -> str:
    if not _FILE.fullmatch(text):
        raise BadUsage(
            f"{flag}: '{text}' must be an absolute path of letters, digits and _ . , @ + -, which "
            "HAProxy reads without quotes"
        )
    return text.rstrip("/") or "/"


def _log(flag: str, text: str) -> str:
    return text if text == "stdout" else _file(flag, text)


def _address(flag: str, text: str) -> str:
    address = text.removeprefix("[").removesuffix("]")
    if not is_address(address):
        raise BadUsage(f"{flag}: '{text}' is not an IP address")
    return address


def _number(maximum: int, minimum: int = 1) -> Callable[[str, str], int]:
    return partial(read_number, minimum=minimum, maximum=maximum)


class _Once(Action):
    """Stores the value of an option. An option that is given twice is an error."""

    def __call__(self, parser: ArgumentParser, found: Namespace, value: Any, *_: object) -> None:
        if hasattr(found, self.dest):
            raise ArgumentError(self, "is given twice; remove one")
        setattr(found, self.dest, value)


def _once(flag: str, value: str, read: Callable[[str, str], object], help: str) -> Argument:
    return argument(flag, metavar=value, type=partial(read, flag), action=_Once, help=help)


PARSER = command_parser(
    "haproxy",
    """
Prints a complete haproxy.cfg for HAProxy 2.6 or later in front of several relays, so that all
devices of a channel always meet on one relay. docs/scaling.rst describes when that is useful, and
what happens when a relay is added or fails.

The relays are either workers on this machine (--workers) or nodes on any machine (one --node for
each).
""",
    notes="""
The exit status is 0, or 2 for invalid arguments.

Examples:

  vault-relay haproxy --workers 4 --certificate /etc/haproxy/relay.pem
  vault-relay haproxy --node a=10.0.0.2:8080 --node b=10.0.0.3:8080
""",
    unexpected="haproxy takes options only, not '{}'",
    # The values have the names of the fields of Cluster.
    argument_default=SUPPRESS,
    arguments=(
        _once(
            "--workers",
            "N",
            _number(MAX_RELAYS),
            "Number of relays on this machine, as instances of the systemd template: enable "
            "vault-relay@{1..N} with systemctl.",
        ),
        _once(
            "--sockets",
            "FOLDER",
            _file,
            "Folder of the workers' sockets: worker 1 listens on FOLDER/1/devices. Default: "
            f"{Cluster.sockets}.",
        ),
        argument(
            "--node",
            metavar="[NAME=]HOST:PORT",
            dest="nodes",
            action="append",
            help="A relay on any machine; repeat the option for each. Its name in HAProxy is NAME, "
            "or else HOST:PORT. A relay that keeps its name keeps its channels, whatever else "
            "changes.",
        ),
        _once(
            "--spare",
            "N",
            _number(MAX_RELAYS, minimum=0),
            "Servers reserved for relays that are added while HAProxy runs: more workers, or nodes "
            "spare1 to spareN. Default: 0.",
        ),
        _once(
            "--max-connections",
            "N",
            _number(_MAX_DEVICES),
            f"The --max-connections of each relay. Default: {DEFAULT_MAX_CONNECTIONS}.",
        ),
        _once(
            "--maxconn",
            "N",
            _number(_MAX_CONNECTIONS),
            "Maximum number of connections to this HAProxy. Default: the sum of all relays.",
        ),
        _once(
            "--max-per-address",
            "N",
            _number(_MAX_CONNECTIONS),
            "Maximum number of connections from one IPv4 address or IPv6 /64. Default: a quarter "
            "of --maxconn. The other limits of addresses and networks are derived from it.",
        ),
        _once(
            "--certificate",
            "FILE",
            _file,
            f"Certificate chain, then private key, in one file. Default: {Cluster.certificate}.",
        ),
        argument(
            "--plain",
            dest="is_plain",
            action="store_true",
            help="Use no TLS, neither for devices nor between the HAProxies: for tests.",
        ),
        _once("--bind", "ADDRESS", _address, "Address to which devices connect. Default: all."),
        _once(
            "--port",
            "N",
            _number(HIGHEST_PORT),
            "Port for devices. Default: 443, or 80 with --plain.",
        ),
        argument(
            "--peer",
            metavar="NAME=HOST:PORT",
            dest="peers",
            action="append",
            help="One of several HAProxies, this one included: the address at which they exchange "
            "which relay has which channel. Repeat the option for each.",
        ),
        _once("--local-peer", "NAME", read_name, "The --peer that is this HAProxy."),
        _once(
            "--peer-certificate",
            "FILE",
            _file,
            "Certificate and key with which the HAProxies authenticate each other, the same "
            f"file on each. Default: {Cluster.peer_certificate}.",
        ),
        _once(
            "--runtime-folder",
            "FOLDER",
            _file,
            f"Existing folder for HAProxy's own sockets. Default: {Cluster.runtime_folder}.",
        ),
        _once("--log", "FILE", _log, f"Log socket, or stdout. Default: {Cluster.log}."),
        _once("--user", "NAME", read_name, f"User of HAProxy. Default: {Cluster.user}."),
        _once(
            "--group",
            "NAME",
            read_name,
            "Group of HAProxy. Default: vault-relay with --workers, whose sockets it may open; "
            "haproxy with --node.",
        ),
    ),
)


def read_options(arguments: Sequence[str]) -> Cluster:
    """Return the cluster. Exits with a line and status 2 if an argument is invalid."""
    try:
        return _cluster(vars(PARSER.read(arguments)))
    except BadUsage as error:
        PARSER.error(str(error))


def _cluster(given: dict[str, Any]) -> Cluster:
    nodes = given["nodes"] = read_servers("--node", given.get("nodes", ()))
    peers = given["peers"] = read_servers("--peer", given.get("peers", ()))
    names = [peer.name for peer in peers]
    local = given.get("local_peer", "" if peers else Cluster.local_peer)
    # Relays are peers, too: HAProxy would take one of the same name for itself.
    taken = ", ".join(sorted({local, *names} & {node.name for node in nodes}))
    for is_wrong, message in (
        (
            ("workers" in given) == bool(nodes),
            "set either --workers, for relays on this machine, or --node for each relay",
        ),
        (nodes and "sockets" in given, "--sockets requires --workers; a node has a port"),
        (
            peers and not nodes,
            "--peer requires --node: another HAProxy cannot reach the sockets of this machine",
        ),
        ("local_peer" in given and not peers, "--local-peer requires --peer, one for each HAProxy"),
        (
            peers and local not in names,
            f"--local-peer must be the one of {', '.join(names)} that is this HAProxy",
        ),
        (len(peers) == 1, "--peer is needed for each HAProxy: this one, and at least one other"),
        (taken, f"--node: {taken} is the name of an HAProxy; choose another"),
    ):
        if is_wrong:
            raise BadUsage(message)
    defaults: dict[str, Any] = {
        "port": 80 if "is_plain" in given else Cluster.port,
        "group": Cluster.group if nodes else "vault-relay",
    }
    cluster = Cluster(**defaults | given)
    if cluster.relays > MAX_RELAYS:
        raise BadUsage(
            f"{cluster.relays} relays, including --spare, are too many; the maximum is {MAX_RELAYS}"
        )
    return cluster
