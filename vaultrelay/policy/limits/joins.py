"""The pace of joins while many devices arrive."""

JOIN_ROUND_SECONDS = 0.002
"""For which the hub serves connections that have not joined, before messages have their turn again:
one TLS handshake. Beside ROUND_SECONDS and the accepts it is 30 % of a core that is full of
messages; without messages, joins take all of it."""
JOIN_PAUSE_SECONDS = 0.05
"""For which no connection is accepted after a join round that left ready ones unserved, unless a
complete one ends it before: some ten turns of the reactor."""
JOIN_RATE_SECONDS = 1
"""Of waiting connections, over which the rate of joins is measured: hundreds of joins."""
LATE_JOIN_SECONDS = 5
"""The wait in the listen backlog above which upgrades are refused, so that a device has its answer
within HEAD_SECONDS: clients give up after 20 s, and serving one that has left is lost work."""
RETRY_LATE_SECONDS = (2, 60)
"""Bounds of the wait announced to such a device: the refusals are spread over the time that the
crowd takes at the measured rate, and the rest of a longer one is refused again."""
