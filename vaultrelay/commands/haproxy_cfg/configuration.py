"""The configuration of HAProxy, filled in for given relays and HAProxies."""

from collections.abc import Iterator
from itertools import count, islice
from zlib import crc32

from vaultrelay.commands.haproxy_cfg import text
from vaultrelay.commands.haproxy_cfg.cluster import Cluster
from vaultrelay.policy.limits import haproxy, networks, pending
from vaultrelay.wire.host import host_port
from vaultrelay.wire.refusal import Refusal, bad_request, request_timeout

_BY_NAME = " resolvers system init-addr last,libc,none"
_UNASSIGNED = "192.0.2.1:8080"
"""An address for examples (RFC 5737), until the runtime API sets another."""
_NUMBERS = 2**20 - 1
"""HAProxy multiplies the number of a server by 4096 in 32 bits for its hash."""
_NO_CHANNEL = bad_request(
    "The upgrade names no channel: X-VaultMesh-Channel or the subprotocol vaultmesh.channel. must "
    "have 43 characters of base64url."
)
_ELSEWHERE = Refusal(
    503,
    "elsewhere",
    "Other devices of this channel are on another relay. Try again in a moment.",
    (("Retry-After", str(haproxy.RETRY_ELSEWHERE_SECONDS)),),
)
_ERRORS = (
    bad_request("This is not a valid HTTP/1.1 request."),
    request_timeout(),
    Refusal(500, "internal", "HAProxy failed. Try again later."),
    Refusal(502, "bad_gateway", "The relay did not answer. Try again in a moment."),
    Refusal(
        503,
        "no_relay",
        "No relay can be reached. Try again in a moment.",
        (("Retry-After", str(pending.RETRY_DRAINING_SECONDS)),),
    ),
    Refusal(504, "gateway_timeout", "The relay did not answer in time. Try again in a moment."),
)
"""HAProxy's own answers, which are HTML by default."""


def configuration(cluster: Cluster, command: str) -> str:
    """Return the whole file, which contains the command that made it."""
    relays = list(_relays(cluster))
    hops = [
        text.HOP.format(user=cluster.user, **each)
        for each in relays
        if each["peer_address"] != each["address"]
    ]
    return text.TEXT.substitute(
        vars(cluster),
        **_limits(cluster),
        command=command,
        first="\n".join(_first(cluster)),
        log=cluster.log if cluster.log.startswith("/") else f"{cluster.log} format raw",
        group_reason=text.WORKERS_GROUP if cluster.workers else "",
        errors="\n".join(f"    http-error {_answer(each)}" for each in _ERRORS),
        others=", and HAProxies to each other" if cluster.peers else "",
        peers="\n".join(_peers(cluster)),
        announcers="\n".join(text.ANNOUNCER.format_map(each) for each in relays),
        hops="".join([text.HOPS_FIRST, *hops] if hops else []),
        resolvers=text.RESOLVERS if any(each.is_by_name for each in cluster.nodes) else "\n",
        binds="\n".join(_binds(cluster)),
        scheme="http" if cluster.is_plain else "https",
        no_channel=_answer(_NO_CHANNEL),
        elsewhere=_answer(_ELSEWHERE),
        servers="\n".join(text.SERVER.format_map(each) for each in relays),
    )


def _limits(cluster: Cluster) -> dict[str, int]:
    """Return the limits of HAProxy, by their names in the text."""
    maxconn = cluster.maxconn or cluster.devices + cluster.relays * pending.PENDING_CONNECTIONS
    per_address = cluster.max_per_address or maxconn // networks.SHARE_PER_ADDRESS
    per_minute = per_address * haproxy.RECONNECTS_PER_MINUTE
    unfinished = max(
        haproxy.HAPROXY_MIN_PENDING_PER_ADDRESS, per_address // haproxy.HAPROXY_PENDING_SHARE
    )
    new_channels = haproxy.TICKS_A_ROUND * haproxy.NEW_CHANNELS_A_TICK
    others = min(cluster.max_connections, haproxy.JOINS_A_ROUND) + new_channels
    return {
        "maxconn": maxconn,
        "handshake": haproxy.PROXY_HANDSHAKE_SECONDS,
        "head": haproxy.PROXY_HEAD_SECONDS,
        # All channels that the relays announce until the first of them expire, so that none is
        # evicted, even if a relay has others in each round.
        "held": cluster.relays
        * (cluster.max_connections + (haproxy.ANNOUNCED_ROUNDS + 1) * others),
        "held_seconds": haproxy.ANNOUNCED_SECONDS,
        "per_address": per_address,
        "per_network": per_address * haproxy.NETWORK_ADDRESSES,
        "per_minute": per_minute,
        "per_minute_of_network": per_minute * haproxy.NETWORK_ADDRESSES,
        "pending": unfinished,
        "pending_of_network": unfinished * haproxy.NETWORK_PENDING_ADDRESSES,
        "pending_seconds": haproxy.PROXY_HANDSHAKE_SECONDS + haproxy.PROXY_HEAD_SECONDS,
        "table": max(
            haproxy.MIN_CHANNELS_REMEMBERED, haproxy.CHANNELS_REMEMBERED * cluster.devices
        ),
        "table_seconds": haproxy.TABLE_SECONDS,
    }


def _first(cluster: Cluster) -> Iterator[str]:
    """Yield the instructions at the top: the setup and the command to run."""
    if not cluster.is_plain:
        yield f"# First put chain and then key into {cluster.certificate}"
    if cluster.peers and not cluster.is_plain:
        yield text.PEERS_FIRST.format_map(vars(cluster))
    if cluster.workers:
        yield text.WORKERS_FIRST.format_map(vars(cluster))
    else:
        yield text.NODES_FIRST.format(port=cluster.nodes[0].port)


def _answer(refusal: Refusal) -> str:
    """Return an answer of HAProxy's own, in the form of a relay's."""
    headers = (("Cache-Control", "no-store"), *refusal.headers)
    fields = " ".join(f"hdr {name} {value}" for name, value in headers)
    body = refusal.body().decode()
    return f"status {refusal.status} content-type application/json {fields} string '{body}'"


def _binds(cluster: Cluster) -> list[str]:
    tls = "" if cluster.is_plain else f" ssl crt {cluster.certificate} alpn http/1.1"
    if not cluster.bind:
        return [f"    bind *:{cluster.port}{tls}", f"    bind :::{cluster.port} v6only{tls}"]
    return [f"    bind {host_port(cluster.bind, cluster.port)}{tls}"]


def _peers(cluster: Cluster) -> Iterator[str]:
    """Yield the lines of the HAProxies; a single one has itself as a peer."""
    if not cluster.peers:
        yield (
            f"    bind unix@{cluster.runtime_folder}/peers.sock user {cluster.user} mode 600\n"
            f"    server {cluster.local_peer}"
        )
        return
    file = cluster.peer_certificate
    tls = "" if cluster.is_plain else f" ssl crt {file} ca-file {file} verify required"
    addresses = {peer.name: peer.address for peer in cluster.peers}
    yield f"    bind {addresses[cluster.local_peer]}{tls}"
    if tls:
        yield f"    default-server{tls}"
    # The address of this HAProxy is in its bind line.
    addresses[cluster.local_peer] = ""
    for name, address in addresses.items():
        yield f"    server {name} {address}".rstrip()


def _relays(cluster: Cluster) -> Iterator[dict[str, object]]:
    """Yield what the lines of each relay, and of each spare one, contain.

    `number` is the position in the hash, and identifies the relay in the table. `peer_address` is a
    socket of HAProxy itself if the address may change.
    """
    for number in range(1, cluster.relays + 1) if cluster.workers else ():
        address = f"unix@{cluster.sockets}/{number}/devices"
        yield {
            "name": f"w{number}",
            "address": address,
            "peer_address": address,
            "number": number,
            "disabled": " disabled" if number > cluster.workers else "",
        }
    taken: set[int] = set()
    for name, address, may_change, disabled in _servers(cluster):
        number = crc32(name.encode()) % _NUMBERS
        while number in taken:
            number = (number + 1) % _NUMBERS
        taken.add(number)
        hop = f"unix@{cluster.runtime_folder}/to-{name}.sock"
        yield {
            "name": name,
            "address": address,
            "peer_address": hop if may_change else address,
            # A name keeps its number when others come and go after it.
            "number": number + 1,
            "disabled": disabled,
        }


def _servers(cluster: Cluster) -> Iterator[tuple[str, str, bool, str]]:
    """Yield name, address, whether that may change, and state of each node and each spare one."""
    for node in cluster.nodes:
        resolver = _BY_NAME if node.is_by_name else ""
        yield node.name, node.address + resolver, node.is_by_name, ""
    # A spare server that became a node keeps its name.
    names = {node.name for node in cluster.nodes}
    free = (name for number in count(1) if (name := f"spare{number}") not in names)
    for name in islice(free, 0 if cluster.workers else cluster.spare):
        yield name, _UNASSIGNED, True, " disabled"
