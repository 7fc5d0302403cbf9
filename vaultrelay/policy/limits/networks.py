"""Limits of one network address, and of the networks around it."""

SHARE_PER_ADDRESS = 4
"""Divides the capacity into shares of one network address: with 1000 connections an office of 250
devices behind one address fits, and no one address can fill the relay."""
MIN_PER_ADDRESS = 64
"""A household with a full channel fits, even on a small relay."""
LINE_FACTOR = 1.5
"""Share of an IPv6 /56, which a home line commonly has, in shares of one address: one and a half,
since it is one customer, and one of its /64 must leave something to the others where a provider
gives each customer a /64. A home line takes three eighths of the relay at most."""
SITE_FACTOR = 2
"""The same for an IPv6 /48, the largest network that one customer commonly has, and for an IPv4
/24, the smallest that is routed by itself: half of the relay at most. More than LINE_FACTOR, so
that one line leaves something to its neighbours, and at most half of SHARE_PER_ADDRESS, so that no
single site fills a relay. Behind a /24 there may be thousands of homes that share addresses
(CGNAT)."""
LINE_ADDRESSES = 4
"""A /56 has the devices of this many addresses at most: it matters if --max-per-address is far
below the share of a line, which one line must not take whole."""
SITE_ADDRESSES = 64
"""The same for a /48 and a /24, in which there may be many customers with their own addresses."""
OVERLOAD_REPORT_SECONDS = 1
"""For the request of a connection beyond the limit that an HTTP proxy forwards: the proxy has it
whole before it connects. Without a proxy such a connection is cut off at once."""
JOINS_AT_ONCE_PER_DEVICE = 2
"""Joins for each device of the limit: all return after a restart, and once more if that failed."""
JOIN_SECONDS_PER_DEVICE = 60
"""Until each device may join once more: the longest wait of a client's back-off."""
ARRIVALS_PER_JOIN = 2
"""Connections for each join, which leaves room for a failed attempt or a page. By default these are
8 a second, and their TLS handshakes take 0.6 % of a core; without a bound one address takes all."""
RESERVED_PER_ADDRESS = 4
"""Reserved slots of one address: connections admitted above its devices, or above those of the
relay, because they may replace one of these; until they join. With SITE_FACTOR half of
RESERVED_SLOTS. 250 devices that return at once, each for a quarter of a second, take 16."""
RESERVED_PER_CHANNEL = 4
"""Reserved slots of one channel, so that connections with an unknown address, or with the same one
behind a proxy that is not trusted, do not take all for one channel."""
DRAIN_CHANNELS_PER_ADDRESS = 4
"""Channels that a draining relay closes before their turn because an upgrade named them, which
needs no proof: as many vaults as one person has open. A device above that waits for the turn of its
channel, --drain-seconds at most."""
DRAIN_CHANNEL_SECONDS = 15
"""Until an address regains one of these: all within a minute, before its budget is dropped."""
IDLE_BUDGETS = 20_000
"""Empty budgets kept for the two minutes at most in which they have debts: 6 MB. An address has two
or three. A flood from more networks cannot be stopped by per-network limits."""
