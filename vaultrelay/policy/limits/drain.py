"""Times of a drain."""

DRAIN_RESERVE_SECONDS = 0.5
"""Of --drain-seconds, in which the process itself ends after the last connection is cut off."""
MIN_DRAIN_SECONDS = 1
"""For --drain-seconds 0: written bytes must leave the kernel before connections are cut off."""
ABORT_DRAIN_SECONDS = 0.5
"""For the answers of devices that are closed by a second signal: two round trips of a slow link."""
LAST_ANSWERS_SECONDS = 1
"""For requests that were accepted before the relay stopped listening. They are answered in a few
milliseconds, but for those of silent or slow clients."""
LAST_ANSWERS_TICK_SECONDS = 0.02
"""Between two checks whether they are done: a restart takes that much longer at most."""
DRAIN_RECONNECT = (2, 12)
"""The window from which each device draws its waiting time: 1000 returns in ten seconds are 100
handshakes a second, which one core serves."""
DRAIN_TICK_SECONDS = 0.1
"""The same while draining, so that closes are spread evenly."""
