"""Limits of streams: reads, rounds, and the memory that they bring."""

MAX_READ_BYTES = 260 * 1024
"""The largest read: four messages of 64 KiB and their headers. With 68 KiB each read took one of
them and a part of the next, at 34 us of CPU a message instead of 22."""
MIN_READ_BYTES = 16 * 1024
"""The smallest read, used while the memory for messages is nearly full. It is slightly shorter than
a full TLS record, the rest of which a second read takes. A thousand senders that were just paused
may each have been read once more."""
ROOMY_BYTES = 4 * 1024 * 1024
"""Bytes held for all devices from which reads shrink: with 260 KiB for each of 500 pairs, a relay
that had memory for all of it took 146 MB instead of 60."""
ROOMY_SHARE = 4
"""Divides the memory for messages: if the quotient is less than ROOMY_BYTES, reads shrink from
there, and then also with the free memory."""
EVENTS_AT_ONCE = 16
"""Streams that the hub gets from the kernel at a time, between two reads of the clock."""
ROUND_SECONDS = 0.004
"""For which the hub serves streams before timers, new connections and other descriptors have their
turn: less than a network's jitter, and some 200 messages of 64 KiB."""
PIECES_AT_ONCE = 16
"""Pieces of one sendmsg(2). A message has two; joining is faster for many small ones."""
ONE_READ_BYTES = 64 * 1024
"""What the smallest read may add at most, with TLS: MIN_READ_BYTES, the kept part of a record, and
either the rest of the last record or OpenSSL's memory for its part. The room of one message begins
so much below it."""
