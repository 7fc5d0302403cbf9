"""Timeouts of a connection, from the hello to the close."""

from vaultrelay.wire import announced

HELLO_SECONDS = 10
"""From the 101 to the hello: one round trip and one signature, on a slow phone and a slow link."""
PING_SECONDS = 50
"""Below the 60 seconds after which common proxies and phone networks drop a silent connection."""
PING_JITTER = 0.1
"""The part of the interval by which pings are early: devices that joined together need not be
pinged together, and a lost one is found within the interval, the time for its pong, and two
ticks."""
PING_RANGE = announced.PING_SECONDS
"""The ping intervals that a device may request."""
PONG_SECONDS = 20
"""A phone's radio wakes within this."""
CLOSE_SECONDS = 5
"""After which a peer that does not answer a close is cut off."""
STANDSTILL_SECONDS = 5
"""Between two ticks: the machine slept or was stopped, and messages of devices are unread.
Deadlines are checked one tick later."""
TICK_SECONDS = 1
"""Between two checks of the deadlines. One pass over all sessions is cheaper than a timer for each,
and no deadline here needs more precision."""
