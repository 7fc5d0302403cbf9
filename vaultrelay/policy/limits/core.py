"""Shares of the core, of networks that want it at the same time."""

BUSY_CORE_SECONDS = 1
"""After the last round of the hub that took longer: until reads are measured no more."""
SHARED_CORE_SECONDS = 0.25
"""After reads for two addresses: until one that is left has the core without a limit. Honest
devices of a quiet relay send some messages a second."""
QUANTUM_SECONDS = 0.001
"""Of the core that a network may use ahead of its share, so that a device that sends seldom never
waits: twenty messages, or one of 1 MiB."""
MAX_SWEEP_SECONDS = 0.02
"""While one network has the core for itself: what one read of each of its devices may take without
turns. The first message of another network may have to wait for them, for less than the jitter of
a mobile network. Turns cost 12 us for each read, as much as a read of one small message."""
AVERAGED_READS = 8
"""Reads whose average is the length of one: a single read is longer when the system interrupts
it."""
UNMEASURED_READS = 7
"""Between two measured reads, while they need no turns: measuring each costs 2 us."""
HOLD_SECONDS = 0.05
"""Between two looks at all connections for those that have to wait, for each thousand of these: a
look takes a millisecond for them."""
TURN_DELIVERIES = 64
"""In one turn of a device while several networks want the core, and one message more, since a
message is not divided: half a millisecond, for which others wait. With 256 it was one, and the
median of others was 0.5 ms higher."""
TURN_BYTES = 1024 * 1024
"""Delivered bytes in such a turn, with the same purpose."""
TURN_FRAMES = 16
"""Frames that Autobahn reads in such a turn, at 30 us each."""
BUSY_DEVICES_PER_ADDRESS = 32
"""While other addresses want the core, the deliveries and bytes of one address are limited to those
of so many devices at their own limits: by default 64,000 deliveries a second, in short turns about
a quarter of the core, as SHARE_PER_ADDRESS has it. Wider networks have LINE_FACTOR and SITE_FACTOR
times as much."""
MAX_CHARGED_SECONDS = 0.1
"""Of one read: more than the longest turn takes, a broadcast of 1 MiB to 63 receivers with TLS. The
rest is time in which the system ran another program: an address would wait four times as long."""
BUSY_BURST_SECONDS = 0.25
"""Of these rates, at once: as long as the core counts as wanted by others."""
