"""Limits of the admin endpoint."""

ADMIN_CONNECTIONS = 16
"""Simultaneous pending requests: a few scrapers and browsers, each for a moment. Part of
OTHER_FILES."""
SAMPLE_SECONDS = 10
"""Between two points of the status page's plots: finer than the eye resolves on a line of one
hour."""
HISTORY_SECONDS = 3600
"""The span of the plots: long enough to see what led to an event, and 7 KB in all."""
HISTORY_SAMPLES = HISTORY_SECONDS // SAMPLE_SECONDS
LAG_SECONDS = 0.25
"""Between two measurements of the delay of timers. A delay that matters to devices spans at least
one of them, and four a second take 0.04 % of a core."""
LAG_SAMPLES = 6
"""A minute, of which the worst delay is exported: scrapes are rarer than samples, and must not miss
one."""
REFRESH_SECONDS = 10
"""The interval of the status page's reload: there is no new sample sooner."""
MAX_NODES = 64
"""Relays of one cluster that a status page polls, each in a thread. A million devices take half."""
NODE_SECONDS = 1
"""For which the status page waits for the other relays: those that are up answer in a few
milliseconds, and a person waits for the page."""
NODE_STATUS_BYTES = 16 * 1024
"""Of a relay's /status.json, which is at most this large. Any more is not read."""
CONTROL_CONNECTIONS = 4
"""Simultaneous connections to the socket of the mailbox: its one user types commands."""
CONTROL_SECONDS = 3600
"""For which a command waits for the mailbox: to copy or read a terabyte takes so long."""
WARNING_CHARS = 2000
"""Of a warning of another relay: the longest sentence with a long file name."""
