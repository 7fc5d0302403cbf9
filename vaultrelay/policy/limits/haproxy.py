"""Limits for HAProxy in front of several relays. HAProxy's own timeouts are in the printed
configuration."""

from vaultrelay.policy.limits.networks import ARRIVALS_PER_JOIN, JOINS_AT_ONCE_PER_DEVICE
from vaultrelay.policy.limits.pending import PENDING_GRACE_SECONDS
from vaultrelay.policy.limits.timeouts import PING_SECONDS, PONG_SECONDS

MAX_RELAYS = 1000
"""Behind one HAProxy, which checks the health of each every two seconds, in 0.1 ms."""
TABLE_SECONDS = 60
"""For which HAProxy remembers a channel by itself: twice its timeout for a relay's answer, and
longer than a device takes from its 101 to its hello and the relay then to announce it."""
CHANNELS_REMEMBERED = 2
"""For each device of the capacity: each may be the only one of its channel, and return once."""
RETRY_ELSEWHERE_SECONDS = 1
"""For a device that HAProxy sent to another relay than the rest of its channel: the next attempt is
routed to them."""
MIN_CHANNELS_REMEMBERED = 200_000
"""Even for few devices: more upgrades than three cores of HAProxy take in that time, over TLS.
HAProxy takes 480 bytes for each, and only as they come."""
PROXY_HANDSHAKE_SECONDS = PENDING_GRACE_SECONDS
"""For a TLS handshake with HAProxy, which unlike a relay cannot extend it while there is room."""
PROXY_HEAD_SECONDS = 5
"""For the request after it: one packet of a client, and one retransmission."""
HAPROXY_PENDING_SHARE = 16
"""Divides the connections of one address at HAProxy into the part without a request yet: a 64th of
all. An honest client sends its request in a tenth of these seconds."""
HAPROXY_MIN_PENDING_PER_ADDRESS = 16
"""Even for a small HAProxy: all devices of a household return at once."""
NETWORK_ADDRESSES = 2
"""A whole network, a /24 or an IPv6 /48, counts for this many addresses: half of all
connections."""
NETWORK_PENDING_ADDRESSES = 8
"""The same for connections without a request: an eighth of all."""
RECONNECTS_PER_MINUTE = ARRIVALS_PER_JOIN * JOINS_AT_ONCE_PER_DEVICE
"""New connections of one address in a minute at HAProxy, for each of its limit. A relay allows as
many at once; HAProxy pays for their handshakes."""
ANNOUNCE_TICK_SECONDS = 0.5
"""Between two announcements of channels to HAProxy."""
TICKS_A_ROUND = 20
"""In which each channel is announced once, so every ten seconds: with 25,000 a tick takes 3 ms,
and the round 0.6 % of a core, and 0.4 % in HAProxy."""
NEW_CHANNELS_A_TICK = 50
"""Channels with their first device, announced before their turn in the round."""
MAX_NEW_CHANNELS = 1000
"""Of these, queued: as many as are announced in a round. Any more wait for their own turn."""
ANNOUNCED_AT_FIRST = 2000
"""Channels in each tick for a HAProxy that has just connected, until all are announced: 5 ms."""
PEER_SILENT_SECONDS = 7
"""HAProxy sends a heartbeat every three seconds: two of these are missing. By then it may have
marked the relay as down, and routed its devices elsewhere."""
DOUBT_SECONDS = PING_SECONDS + PONG_SECONDS + 10
"""After such a silence: until devices that left without a close have missed their pong."""
ANNOUNCED_ROUNDS = 10
"""For which HAProxy keeps an announcement: longer than channels are in doubt, so that those that
are still here stay known."""
ANNOUNCED_SECONDS = int(ANNOUNCED_ROUNDS * TICKS_A_ROUND * ANNOUNCE_TICK_SECONDS)
PEER_MESSAGES_PER_SECOND = 100
"""Of one HAProxy. It sends heartbeats, and acknowledges what it has read: with 25,000 channels in
17 messages a second, while it learns all."""
PEER_MESSAGES_BURST = 500
"""After a moment in which one side was stalled."""
JOINS_A_ROUND = 20_000
"""More than a relay's core does in that time."""
MAX_HAPROXIES = 16
"""HAProxy processes to which one relay announces its channels: a few HAProxies, each reloaded a few
times in a moment."""
