"""The configuration of HAProxy in front of several relays, as ``vault-relay haproxy`` prints it.

The text stands here as HAProxy reads it. docs/scaling.rst says what it does when a relay comes or
goes, docs/decisions/0015-haproxy-and-a-tracked-table.rst why it is so.
"""

from itertools import count, islice
from string import Template

from vaultrelay.commands.haproxy_options import Cluster
from vaultrelay.policy.limits import (
    CHANNELS_REMEMBERED,
    HEAD_SECONDS,
    LEAST_CHANNELS_REMEMBERED,
    RETRY_DRAINING_SECONDS,
    WAITING_CONNECTIONS,
)
from vaultrelay.wire.refusal import Refusal, bad_request, request_timeout

_TEXT = Template(r"""# A whole haproxy.cfg for HAProxy 2.6 or later, in front of VaultMesh relays; made by
#   $command
# Rather than edit it, run that again with other options, and reload HAProxy.
#
$first

global
    log $log local0
    user $user
$group
    # Each relay has places for $each devices, and others wait at its door. Each takes two files
    # here: HAProxy raises its own limit to what this needs, if it is started as root.
    maxconn $maxconn
    # For root alone: it shows channels, and moves them. By it a reload takes the open ports over.
    stats socket $runtime/admin.sock mode 600 level admin expose-fd listeners
    localpeer $local_peer
    # After a reload the old process keeps its devices. It must end before the new one, where no
    # device tracks their channels yet, may forget them.
    hard-stop-after 23h
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
    mode http
    log global
    option dontlognull
    # No header, and nothing of a URL behind its question mark: channel and token are in headers. Of
    # an address its network alone; %ci is the whole.
    log-format "%[src,ipmask(24,48)] [%tr] %HM %HP %ST %B %Tt %ts %s"
    error-log-format "%[src,ipmask(24,48)] [%t] %[fc_err_str]"
    timeout connect 5s
    timeout check 2s
    timeout http-request ${head}s
    timeout http-keep-alive ${head}s
    timeout client 30s
    timeout server 30s
    # Of a device, instead of these two. The relay pings every 50 seconds, and at least every 10
    # minutes if a device asks for it. It finds the dead itself.
    timeout tunnel 15m
    # Where one side has ended, the other is not waited for as long.
    timeout client-fin 10s
    timeout server-fin 10s
    # What HAProxy itself has to say, in the form in which a relay says it.
$errors

# Which channel is on which relay: a reload hands it to the new process$others.
peers haproxies
$peers
${resolvers}frontend devices
    # Without h2: a WebSocket begins with HTTP/1.1, and there is little else here.
$binds
    # The relay learns addresses by the PROXY protocol alone.
    http-request del-header X-Forwarded-For
    http-request set-header X-Forwarded-Proto $scheme
    # A device names its channel in a header, or in a subprotocol where it is a browser. HAProxy
    # takes one of them. The relay refuses whoever names two, or spells one in an unusual way.
    acl device req.hdr(Upgrade) -i websocket
    acl named var(txn.channel) -m found
    acl good var(txn.channel) -m reg ^[A-Za-z0-9_-]{43}$$
    http-request set-var(txn.channel) req.fhdr(X-VaultMesh-Channel) if device
    http-request set-var(txn.channel) req.fhdr(Sec-WebSocket-Protocol),regsub('"^(.*[,[:space:]])?vaultmesh[.]channel[.]([^,[:space:]]*).*$$","\2"') if device !named
    http-request return $no_channel if device !good
    default_backend relay

backend relay
    # A new channel goes where its hash says; a page, which has none, to the next relay in turn.
    balance hash var(txn.channel)
    hash-type consistent sdbm avalanche
    # From then on it stays there, whatever becomes of other relays. While a device is connected it
    # tracks the entry of its channel, which cannot expire then. Whoever is refused leaves no entry.
    stick-table type string len 44 size $table expire 24h srvkey name peers haproxies
    stick match var(txn.channel)
    stick store-response var(txn.channel) if { status 101 }
    http-response track-sc0 var(txn.channel) if { status 101 }
    # A relay that is not there, drains, or has no room for a new channel: another one, to which the
    # channel moves. Not on empty-response: who drops one connection may have the channel's others.
    retries 3
    option redispatch 1
    retry-on conn-failure 503
    # Not /ready: a relay that drains still says good-bye to its devices. A dead one is known in three
    # seconds, one that does not answer in eight.
    option httpchk GET /health
    default-server check inter 2s fastinter 500ms fall 3 rise 1 on-marked-down shutdown-sessions
    default-server send-proxy-v2 check-send-proxy
$servers
""")  # noqa: E501  HAProxy has no lines that go on
_WORKERS_FIRST = """\
# The relays, on this machine:
#   systemctl enable --now vault-relay@{{1..{last}}}
# or each of them, here the first one, by
#   vault-relay --listen haproxy:unix:{sockets}/1/devices:mode=660:backlog=1024"""
_NODES_FIRST = """\
# The relays, here the first one. Whoever reaches this port can say that he is anybody, and it is
# not encrypted: open it to HAProxy alone, in a network of your own.
#   vault-relay --listen haproxy:tcp:{port} --public-url wss://relay.example.org"""
_PEERS_FIRST = """\
# and what the HAProxies know each other by into {file}, the same on each:
#   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \\
#     -subj /CN=haproxies -keyout peers.key -out peers.crt && cat peers.crt peers.key > peers.pem"""
_RESOLVERS = """
# Nodes with a name: one that gets another address, as containers do, is found again.
resolvers system
    parse-resolv-conf
    hold valid 10s

"""
_BY_NAME = " resolvers system init-addr last,libc,none"
_NOBODY = "192.0.2.1:8080"
"""An address for examples (RFC 5737), until the runtime API sets another."""
_NO_CHANNEL = bad_request(
    "The upgrade names no channel: X-VaultMesh-Channel or the subprotocol vaultmesh.channel. must "
    "have 43 characters of base64url."
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
    """The whole file, which names the command that it was made by."""
    table = max(LEAST_CHANNELS_REMEMBERED, CHANNELS_REMEMBERED * cluster.devices)
    tls = f" ssl crt {cluster.certificate} alpn http/1.1"
    return _TEXT.substitute(
        command=command,
        first=_first(cluster),
        log=cluster.log if cluster.log.startswith("/") else f"{cluster.log} format raw",
        user=cluster.user,
        group=_group(cluster),
        each=cluster.max_connections,
        maxconn=cluster.devices + cluster.relays * WAITING_CONNECTIONS,
        runtime=cluster.runtime_folder,
        local_peer=cluster.local_peer,
        head=HEAD_SECONDS,
        errors="\n".join(f"    http-error {_answer(each)}" for each in _ERRORS),
        others=", and HAProxies tell each other" if cluster.peers else "",
        peers="\n".join(_peers(cluster)),
        resolvers=_RESOLVERS if any(node.is_by_name for node in cluster.nodes) else "\n",
        binds="\n".join(_binds(cluster, "" if cluster.is_plain else tls)),
        scheme="http" if cluster.is_plain else "https",
        no_channel=_answer(_NO_CHANNEL),
        table=table,
        servers="\n".join(_servers(cluster)),
    )


def _first(cluster: Cluster) -> str:
    """What to do, and what to run, for this to work."""
    lines = (
        [] if cluster.is_plain else [f"# First put chain and then key into {cluster.certificate}"]
    )
    if cluster.peers and not cluster.is_plain:
        lines.append(_PEERS_FIRST.format(file=cluster.peer_certificate))
    if cluster.workers:
        lines.append(_WORKERS_FIRST.format(sockets=cluster.sockets, last=cluster.workers))
    else:
        lines.append(_NODES_FIRST.format(port=cluster.nodes[0].port))
    return "\n".join(lines)


def _group(cluster: Cluster) -> str:
    why = (
        "    # That of the relays, to which their sockets are open. HAProxy keeps no second one.\n"
    )
    return f"{why if cluster.workers else ''}    group {cluster.group}"


def _answer(refusal: Refusal) -> str:
    """An answer of HAProxy's own, as a relay would give it."""
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


def _servers(cluster: Cluster) -> list[str]:
    """A line for each relay, and for each that may come. The number is its place in the hash."""
    if cluster.workers:
        places = [
            (f"w{number}", f"unix@{cluster.sockets}/{number}/devices")
            for number in range(1, cluster.relays + 1)
        ]
    else:
        places = [
            (node.name, node.address + (_BY_NAME if node.is_by_name else ""))
            for node in cluster.nodes
        ]
        # A spare place that became a node keeps its name.
        free = (f"spare{number}" for number in count(1))
        taken = {node.name for node in cluster.nodes}
        unused = (name for name in free if name not in taken)
        places += [(name, _NOBODY) for name in islice(unused, cluster.spare)]
    there = cluster.relays - cluster.spare
    return [
        f"    server {name} {where} id {number}{'' if number <= there else ' disabled'}"
        for number, (name, where) in enumerate(places, 1)
    ]
