"""The configuration of HAProxy, filled in for a given shape of relays and HAProxies."""

from itertools import count, islice
from zlib import crc32

from vaultrelay.commands.haproxy_cfg.cluster import Cluster
from vaultrelay.commands.haproxy_cfg.text import (
    HOP,
    HOPS_FIRST,
    NODES_FIRST,
    PEERS_FIRST,
    RESOLVERS,
    TEXT,
    WORKERS_FIRST,
)
from vaultrelay.policy.limits import (
    ANNOUNCED_ROUNDS,
    ANNOUNCED_SECONDS,
    CHANNELS_REMEMBERED,
    HAPROXY_MIN_PENDING_PER_ADDRESS,
    HAPROXY_PENDING_SHARE,
    JOINS_A_ROUND,
    MIN_CHANNELS_REMEMBERED,
    NETWORK_ADDRESSES,
    NETWORK_PENDING_ADDRESSES,
    NEW_CHANNELS_A_TICK,
    PENDING_CONNECTIONS,
    PROXY_HANDSHAKE_SECONDS,
    PROXY_HEAD_SECONDS,
    RECONNECTS_PER_MINUTE,
    RETRY_DRAINING_SECONDS,
    RETRY_ELSEWHERE_SECONDS,
    SHARE_PER_ADDRESS,
    TABLE_SECONDS,
    TICKS_A_ROUND,
)
from vaultrelay.wire.refusal import Refusal, bad_request, request_timeout

_BY_NAME = " resolvers system init-addr last,libc,none"
_NOBODY = "192.0.2.1:8080"
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
    (("Retry-After", str(RETRY_ELSEWHERE_SECONDS)),),
)
_ERRORS = (
    bad_request("This is not HTTP/1.1 as the relay takes it."),
    request_timeout(),
    Refusal(500, "internal", "Something is wrong in front of the relays. Try again later."),
    Refusal(502, "bad_gateway", "The relay gave no answer. Try again in a moment."),
    Refusal(
        503,
        "no_relay",
        "No relay can be reached. Try again in a moment.",
        (("Retry-After", str(RETRY_DRAINING_SECONDS)),),
    ),
    Refusal(504, "gateway_timeout", "The relay did not answer in time. Try again in a moment."),
)
"""What HAProxy says of its own: in HTML, unless told otherwise."""


def configuration(cluster: Cluster, command: str) -> str:
    """Return the whole file, which names the command that made it."""
    table = max(MIN_CHANNELS_REMEMBERED, CHANNELS_REMEMBERED * cluster.devices)
    maxconn = cluster.maxconn or cluster.devices + cluster.relays * PENDING_CONNECTIONS
    tls = f" ssl crt {cluster.certificate} alpn http/1.1"
    per_address = cluster.max_per_address or maxconn // SHARE_PER_ADDRESS
    pending = max(HAPROXY_MIN_PENDING_PER_ADDRESS, per_address // HAPROXY_PENDING_SHARE)
    per_minute = per_address * RECONNECTS_PER_MINUTE
    return TEXT.substitute(
        command=command,
        first=_first(cluster),
        log=cluster.log if cluster.log.startswith("/") else f"{cluster.log} format raw",
        user=cluster.user,
        group=_group(cluster),
        each=cluster.max_connections,
        maxconn=maxconn,
        runtime=cluster.runtime_folder,
        local_peer=cluster.local_peer,
        handshake=PROXY_HANDSHAKE_SECONDS,
        head=PROXY_HEAD_SECONDS,
        errors="\n".join(f"    http-error {_answer(each)}" for each in _ERRORS),
        others=", and HAProxies tell each other" if cluster.peers else "",
        peers="\n".join(_peers(cluster)),
        announcers="\n".join(_announcers(cluster)),
        held=_most_announced(cluster),
        held_seconds=ANNOUNCED_SECONDS,
        hops="".join(_hops(cluster)),
        resolvers=RESOLVERS if any(node.is_by_name for node in cluster.nodes) else "\n",
        binds="\n".join(_binds(cluster, "" if cluster.is_plain else tls)),
        per_address=per_address,
        per_network=per_address * NETWORK_ADDRESSES,
        per_minute=per_minute,
        per_minute_of_network=per_minute * NETWORK_ADDRESSES,
        pending=pending,
        pending_of_network=pending * NETWORK_PENDING_ADDRESSES,
        pending_seconds=PROXY_HANDSHAKE_SECONDS + PROXY_HEAD_SECONDS,
        scheme="http" if cluster.is_plain else "https",
        no_channel=_answer(_NO_CHANNEL),
        elsewhere=_answer(_ELSEWHERE),
        table=table,
        table_seconds=TABLE_SECONDS,
        servers="\n".join(_servers(cluster)),
    )


def _first(cluster: Cluster) -> str:
    """Return the instructions at the top: the setup and the command to run."""
    lines = (
        [] if cluster.is_plain else [f"# First put chain and then key into {cluster.certificate}"]
    )
    if cluster.peers and not cluster.is_plain:
        lines.append(PEERS_FIRST.format(file=cluster.peer_certificate))
    if cluster.workers:
        lines.append(WORKERS_FIRST.format(sockets=cluster.sockets, last=cluster.workers))
    else:
        lines.append(NODES_FIRST.format(port=cluster.nodes[0].port))
    return "\n".join(lines)


def _group(cluster: Cluster) -> str:
    why = (
        "    # That of the relays, to which their sockets are open. HAProxy keeps no second one.\n"
    )
    return f"{why if cluster.workers else ''}    group {cluster.group}"


def _answer(refusal: Refusal) -> str:
    """Return an answer of HAProxy's own, in the form of a relay's."""
    headers = (("Cache-Control", "no-store"), *refusal.headers)
    said = " ".join(f"hdr {name} {value}" for name, value in headers)
    body = refusal.body().decode()
    return f"status {refusal.status} content-type application/json {said} string '{body}'"


def _binds(cluster: Cluster, tls: str) -> list[str]:
    if not cluster.bind:
        return [f"    bind *:{cluster.port}{tls}", f"    bind :::{cluster.port} v6only{tls}"]
    host = f"[{cluster.bind}]" if ":" in cluster.bind else cluster.bind
    return [f"    bind {host}:{cluster.port}{tls}"]


def _peers(cluster: Cluster) -> list[str]:
    if not cluster.peers:
        socket = f"unix@{cluster.runtime_folder}/peers.sock user {cluster.user} mode 600"
        return [f"    bind {socket}", f"    server {cluster.local_peer}"]
    file = cluster.peer_certificate
    known = "" if cluster.is_plain else f" ssl crt {file} ca-file {file} verify required"
    lines = [f"    default-server{known}"] if known else []
    for peer in cluster.peers:
        if peer.name == cluster.local_peer:
            lines.insert(0, f"    bind {peer.address}{known}")
            lines.append(f"    server {peer.name}")
        else:
            lines.append(f"    server {peer.name} {peer.address}")
    return lines


def _announcers(cluster: Cluster) -> list[str]:
    """Return a line for each relay as a peer."""
    return [
        f"    server {name} {f'unix@{_hop(cluster, name)}' if _may_change(where) else where}"
        for name, where in _places(cluster)
    ]


def _most_announced(cluster: Cluster) -> int:
    """Return the most channels that all relays announce until the first of them expire.

    With room for all of them none is evicted, even if a relay has others in each round.
    """
    others = min(cluster.max_connections, JOINS_A_ROUND) + TICKS_A_ROUND * NEW_CHANNELS_A_TICK
    return cluster.relays * (cluster.max_connections + (ANNOUNCED_ROUNDS + 1) * others)


def _hops(cluster: Cluster) -> list[str]:
    """Return a way to each relay with an address that may change: HAProxy resolves a peer only
    once."""
    hops = [
        HOP.format(
            name=name,
            socket=_hop(cluster, name),
            user=cluster.user,
            where=where + (" disabled" if where == _NOBODY else ""),
        )
        for name, where in _places(cluster)
        if _may_change(where)
    ]
    return [HOPS_FIRST, *hops] if hops else []


def _hop(cluster: Cluster, name: str) -> str:
    return f"{cluster.runtime_folder}/to-{name}.sock"


def _may_change(where: str) -> bool:
    """Return whether an address is resolved by name, or set by the runtime API."""
    return where.endswith(_BY_NAME) or where == _NOBODY


def _places(cluster: Cluster) -> list[tuple[str, str]]:
    """Return the name and the address of each relay, and of each spare one."""
    if cluster.workers:
        return [
            (f"w{number}", f"unix@{cluster.sockets}/{number}/devices")
            for number in range(1, cluster.relays + 1)
        ]
    # A spare server that became a node keeps its name.
    free = (f"spare{number}" for number in count(1))
    taken = {node.name for node in cluster.nodes}
    unused = (name for name in free if name not in taken)
    return [
        *(
            (node.name, node.address + (_BY_NAME if node.is_by_name else ""))
            for node in cluster.nodes
        ),
        *((name, _NOBODY) for name in islice(unused, cluster.spare)),
    ]


def _servers(cluster: Cluster) -> list[str]:
    """Return a line for each relay, and for each spare one.

    Its number is its position in the hash, and identifies it in the table.
    """
    places = _places(cluster)
    there = cluster.relays - cluster.spare
    names = [name for name, _ in places]
    numbers = range(1, len(names) + 1) if cluster.workers else _numbers(names)
    return [
        f"    server {name} {where} id {number}{'' if index < there else ' disabled'}"
        for index, ((name, where), number) in enumerate(zip(places, numbers, strict=True))
    ]


def _numbers(names: list[str]) -> list[int]:
    """Return a number for each name, which it keeps when others come and go before it."""
    found: list[int] = []
    for name in names:
        number = crc32(name.encode())
        while number % _NUMBERS + 1 in found:
            number += 1
        found.append(number % _NUMBERS + 1)
    return found
