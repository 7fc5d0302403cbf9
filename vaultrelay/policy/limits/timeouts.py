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
AFTER_CLOSE_BYTES = 8 * 1024 * 1024
"""Read of a device after the relay's close, to find its answer: more than was in flight. A device
that sends more is not read until it is cut off."""
AFTER_CLOSE_FRAME_BYTES = 8192
"""The charge for a frame that Autobahn reads, among these bytes, since it costs as much CPU."""
FRAME_READER_BYTES = 7 * 1024
"""The memory of an instance of Autobahn's protocol, which reads the frames that the relay does
not."""
SPARE_FRAME_READERS = 8
"""Unused instances kept for the next connection. A frame is mostly whole within one read, so that
one suffices; a few are in use for longer."""
STANDSTILL_SECONDS = 5
"""Between two ticks: the machine slept or was stopped, and messages of devices are unread.
Deadlines are checked one tick later."""
TICK_SECONDS = 1
"""Between two checks of the deadlines. One pass over all sessions is cheaper than a timer for each,
and no deadline here needs more precision."""
DRAIN_TICK_SECONDS = 0.1
"""The same while draining, so that closes are spread evenly."""
