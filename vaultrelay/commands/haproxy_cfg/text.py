"""The configuration of HAProxy in front of several relays, as HAProxy reads it.

docs/scaling.rst describes its reaction when a relay comes or goes, and decisions 15 and 18 under
docs/decisions the reasons. Numbers that the relay has are filled in; the others are HAProxy's.
"""

from string import Template

TEXT = Template(r"""# A whole haproxy.cfg for HAProxy 2.6 or later, in front of VaultMesh relays; made by
#   $command
# Rather than edit it, run that again with other options, and reload HAProxy. Upgrade relays first:
# they must announce their channels.
#
$first

.if version_before(2.6)
    .alert "This configuration needs HAProxy 2.6 or later."
.endif

global
    log $log local0
    user $user
${group_reason}    group $group
    # Each relay has places for $max_connections devices, and others wait at its door. Each takes two files
    # here: HAProxy raises its own limit to what this needs, if it is started as root.
    maxconn $maxconn
    # For root alone: it shows channels, and moves them. By it a reload takes the open ports over.
    stats socket $runtime_folder/admin.sock mode 600 level admin expose-fd listeners
    localpeer $local_peer
    # A second HAProxy by mistake must not share the port: it would part channels. A reload may.
    noreuseport
    # After a reload the old process keeps its devices, but not for ever.
    hard-stop-after 23h
    ssl-default-bind-options ssl-min-ver TLSv1.2
$hops
defaults
    mode http
    log global
    option dontlognull
    # No header, and nothing of a URL behind its question mark: channel and token are in headers. Of
    # an address its network alone; %ci is the whole.
    log-format "%[src,ipmask(24,48)] [%tr] %HM %HPO %ST %B %Tt %ts %s"
    error-log-format "%[src,ipmask(24,48)] [%t] %[fc_err_str]"
    timeout connect 5s
    timeout check 2s
    # A connection is closed if it is silent after it was opened, if its TLS handshake takes longer,
    # or if its request does not begin then. A device that waits for an answer is not.
    timeout client ${handshake}s
    timeout http-request ${head}s
    # One request in a connection, as at the relay itself: else pages could hold connections.
    option httpclose
    timeout server 30s
    # Of a device, instead of these two. The relay pings every 50 seconds, and at least every 10
    # minutes if a device asks for it. It finds the dead itself.
    timeout tunnel 15m
    # Where one side has ended, the other is not waited for as long.
    timeout client-fin 10s
    timeout server-fin 10s
    # What HAProxy itself has to say, in the form in which a relay says it.
$errors

# Which channel went to which relay a moment ago: a reload hands it to the new process$others.
peers haproxies
$peers

# Which channels have devices, as the relays announce it again and again. Nobody else adds entries
# here, and there is room for all: strangers cannot push any out. The keys are digests.
peers relays
    bind unix@$runtime_folder/relays.sock user $user mode 600
    server $local_peer
$announcers
    table held type binary len 32 size $held expire ${held_seconds}s
${resolvers}frontend devices
    # Without h2, asked for by TLS or by just beginning with it: a WebSocket begins with HTTP/1.1,
    # and a hundred requests in one connection would count as one.
    option disable-h2-upgrade
$binds
    # One address, or one /64 of IPv6, has limits on its open connections, on new ones in a minute, and
    # on those of the last $pending_seconds seconds that have not brought a request. So has a network, a /24 or a
    # /48 of IPv6. What is refused here costs no handshake, takes no place, and does not count.
    stick-table type ipv6 size 100k expire 10m store conn_cur,conn_rate(${pending_seconds}s),gpc0_rate(${pending_seconds}s),sess_rate(1m)
    acl own src 127.0.0.1 ::1
    acl full src,ipmask(32,64),table_conn_cur(devices) ge $per_address
    acl full src,ipmask(24,48),table_conn_cur(networks) ge $per_network
    acl hasty src,ipmask(32,64),table_sess_rate(devices) ge $per_minute
    acl hasty src,ipmask(24,48),table_sess_rate(networks) ge $per_minute_of_network
    acl silent src,ipmask(32,64),table_conn_rate(devices),sub(sess.spoke) ge $pending
    acl silent src,ipmask(24,48),table_conn_rate(networks),sub(sess.network_spoke) ge $pending_of_network
    tcp-request connection accept if own
    tcp-request connection set-var(sess.spoke) src,ipmask(32,64),table_gpc0_rate(devices)
    tcp-request connection set-var(sess.network_spoke) src,ipmask(24,48),table_gpc0_rate(networks)
    tcp-request connection reject if full || hasty || silent
    tcp-request connection track-sc1 src,ipmask(32,64)
    tcp-request connection track-sc2 src,ipmask(24,48) table networks
    http-request sc-inc-gpc0(1) unless own
    http-request sc-inc-gpc0(2) unless own
    # The relay learns addresses by the PROXY protocol alone.
    http-request del-header X-Forwarded-For
    http-request set-header X-Forwarded-Proto $scheme
    # A device names its channel in a header, or in a subprotocol where it is a browser. HAProxy
    # takes one of them, and tells the relay which. The relay refuses whoever means another one, or
    # spells it in an unusual way.
    acl device req.hdr(Upgrade) -m sub -i websocket
    acl named var(txn.channel) -m found
    acl good var(txn.channel) -m reg ^[A-Za-z0-9_-]{43}$$
    http-request set-var(txn.channel) req.fhdr(X-VaultMesh-Channel) if device
    http-request set-var(txn.channel) req.fhdr(Sec-WebSocket-Protocol),regsub('"^(.*[,[:space:]])?vaultmesh[.]channel[.]([^,[:space:]]*).*$$","\2"') if device !named
    http-request return $no_channel if device !good
    http-request set-header X-VaultMesh-Channel %[var(txn.channel)] if device { req.hdr_cnt(X-VaultMesh-Channel) eq 0 }
    default_backend relay

# Connections of this process by channel, which decide only whether a late device is let in.
backend connected
    stick-table type string len 44 size $table expire 24h store conn_cur

backend networks
    stick-table type ipv6 size 100k expire 10m store conn_cur,conn_rate(${pending_seconds}s),gpc0_rate(${pending_seconds}s),sess_rate(1m)

backend relay
    # A new channel goes where its hash says; a page, which has none, to the next relay in turn.
    balance hash var(txn.channel)
    hash-type consistent sdbm avalanche
    # It stays there, whatever becomes of other relays: by the entry that a 101 leaves, and as soon as
    # the channel has a device by what its relay announces. A 101 takes no proof, so entries are
    # short-lived: strangers fill no table, and push out nothing that matters.
    stick-table type string len 44 size $table expire ${table_seconds}s srvkey name peers haproxies
    acl known var(txn.channel),in_table(relay)
    stick match var(txn.channel)
    stick match var(txn.channel),ub64dec,sha2(256) table relays/held unless known
    # A device may have been sent to another relay while one of its channel comes to the old one,
    # which has just returned. Whoever is let in first decides: the other has to come again.
    tcp-response content set-var(txn.relay) srv_id
    acl joins status 101
    acl allowed var(txn.channel),in_table(relay),not
    acl allowed var(txn.channel),table_server_id(relay),sub(txn.relay) eq 0
    acl allowed var(txn.channel),table_conn_cur(connected) eq 0
    stick store-response var(txn.channel) if joins allowed
    http-response return $elsewhere if joins !allowed
    http-response track-sc0 var(txn.channel) table connected if joins
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
WORKERS_FIRST = """\
# The relays, on this machine:
#   systemctl enable --now vault-relay@{{1..{workers}}}
# or each by hand, here the first one. Make its folder before, and run it in the group below:
#   vault-relay --node-name w1 --public-url wss://relay.example.org \\
#     --listen haproxy:unix:{sockets}/1/devices:mode=660"""
NODES_FIRST = """\
# The relays, here the first one. This port believes any client address, announces channels, and
# is not encrypted: open it to HAProxy alone, in a network of your own.
#   vault-relay --listen haproxy:tcp:{port} --public-url wss://relay.example.org"""
PEERS_FIRST = """\
# and what the HAProxies know each other by into {peer_certificate}, the same on each:
#   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \\
#     -subj /CN=haproxies -keyout peers.key -out peers.crt && \\
#     (umask 077; cat peers.crt peers.key > peers.pem)"""
WORKERS_GROUP = """\
    # That of the relays, to which their sockets are open. HAProxy keeps no second one.
"""
RESOLVERS = """
# Nodes with a name: one that gets another address, as containers do, is found again.
resolvers system
    parse-resolv-conf
    hold valid 10s

"""
HOPS_FIRST = """
# To nodes whose address may change: HAProxy looks at that of a peer only once.
"""
HOP = """\
listen to-{name}
    mode tcp
    timeout connect 5s
    # Longer than the three seconds after which HAProxy says to a peer that it is alive.
    timeout client 15s
    timeout server 15s
    bind {peer_address} user {user} mode 600
    server {name} {address}{disabled}
"""
ANNOUNCER = "    server {name} {peer_address}"
SERVER = "    server {name} {address} id {number}{disabled}"
