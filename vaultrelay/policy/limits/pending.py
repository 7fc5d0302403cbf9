"""Limits from accept to the join."""

import sys

HEAD_BYTES = 8 * 1024
"""The size of a request head. Browsers with cookies and proxies with their additions stay below
it."""
HEAD_SECONDS = 10
"""From accept to a whole request, TLS handshake included: enough for slow links, and a bound on
idle connections."""
LISTEN_BACKLOG = 4096
"""Connections that the kernel keeps for the relay, the most that Linux allows by default. Beyond it
TCP tries again after 1, 3, 7 and 15 s: with 1024, of 10 000 devices that came with TLS 370 to 1610
gave up. A full unix socket refuses at once, and a proxy then tries another relay, which splits a
channel: with 50, of 3000 simultaneous connections through HAProxy 540 went to another relay."""
UNIX_PATH_BYTES = 107 if sys.platform.startswith("linux") else 103
"""Of a unix socket: the size of the system's sockaddr_un, less the zero at its end."""
RETRY_FULL_SECONDS = 60
"""Devices leave a full relay slowly; more frequent retries only cost both sides."""
RETRY_DRAINING_SECONDS = 5
"""About the duration of a restart."""
PENDING_CONNECTIONS = 512
"""Pending connections: with an unfinished request, or waiting for the end of their close. With TLS
and a slow head each takes 25 KB, 13 MB in all. A thousand devices that return at once pass in two
groups."""
PENDING_PER_ADDRESS = 64
"""Pending connections of one address: enough for 250 devices that return in one second and take a
quarter of one each; an evicted device retries. With SITE_FACTOR it is a quarter of
PENDING_CONNECTIONS."""
PENDING_PER_ADDRESS_SHARE = 4
"""If fewer may be pending, divides them into the part of one address, so that it locks no others
out."""
MIN_PENDING_PER_ADDRESS = 4
"""Devices of one household return together."""
PENDING_GRACE_SECONDS = 3
"""For which a pending connection is not evicted: twice the duration of a handshake on a slow link.
After that a new one replaces the oldest, so that silent connections keep devices out no longer."""
SILENT_GRACE_SECONDS = 0.5
"""The same for a connection that has sent nothing: an honest client sends at once. Of a thousand
silent ones a second, each is evicted in time, and a device among them passes."""
CLOSING_GRACE_SECONDS = 0.25
"""The same for an unanswered close, which has reached most devices by then. With three seconds, 400
such connections a second delayed HAProxy's health checks, and it cut a relay's devices off."""
ACCEPTS_PER_TURN = 4
"""Accepts before the messages of joined devices are read: a millisecond's work, beside the four of
ROUND_SECONDS. With 16 a message waited twice as long while 1000 devices joined over TLS."""
REJECTS_PER_TURN = 16
"""Connections closed in one turn when no descriptor is left for them."""
ACCEPT_PAUSE_SECONDS = 0.1
"""Until a port without room or descriptors accepts again: an imperceptible delay, in which the
relay is idle."""
PENDING_HEALTH_REQUESTS = 16
"""Connections to the socket of the health check: from this machine only, so one is enough."""
