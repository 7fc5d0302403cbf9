"""Intervals of the files of options."""

WATCH_SECONDS = 1
"""Between two checks of the files of options. They are read when two checks agree, since a renewal
writes a certificate and its key one after the other."""
READ_AGAIN_SECONDS = 600
"""Between two reads of unchanged files while one is invalid: a certificate that is not yet valid
becomes so, a network file system returns."""
TICKET_KEY_SECONDS = 86_400
"""The lifetime of a key for session tickets of TLS 1.2. A new one needs a read of the
certificates."""
READ_SECONDS = 10
"""For the files of options, which take a second or two at most. After it the operator is warned: a
network file system may not answer for hours."""
READ_SLICE_SECONDS = 0.001
"""Of CPU time, for which the thread that reads may hold Python's lock: a message waits that much
longer."""
READ_REST_FACTOR = 2
"""Rests in parts of the CPU time before them. In a rest the lock is free, so that the relay catches
up; reading takes three times as long as without."""
