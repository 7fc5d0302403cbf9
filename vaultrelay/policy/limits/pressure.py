"""Limits of back-pressure while the memory for messages is short."""

PRESSED_SHARE = 2
"""Divides the memory for messages: above the quotient, channels and networks that hold more than
their shares are not read. The other part is for those below: a crowd that fills its share at once
leaves it to them."""
SHARE_MESSAGES = 2
"""Messages of the largest size that a share holds at least: one incoming, one outgoing. A crowd of
many channels would keep large messages of others waiting otherwise."""
SHARES_SECONDS = 0.05
"""For which measured shares of channels and networks are used, and between two looks at those above
them, for each thousand connections: each takes up to 5 ms for these, and a seventh of that for idle
ones; only while memory is short."""
STUCK_SHARES = 2
"""Shares of a channel or network above which its devices are closed that are in the middle of a
message, after UNFINISHED_SECONDS of waiting. In a burst of equal channels each holds one or two."""
RESUMED_AT_ONCE = 32
"""Waiting connections looked at in one turn of the reactor, a tenth of a millisecond."""
CHECKED_AT_ONCE = 500
"""The same of all connections when memory becomes short: two milliseconds."""
PRESSURE_TICK_SECONDS = 1
"""Between two looks at the reservations: one whose message did not go on by PROGRESS_BYTES is given
to others, and waits again."""
