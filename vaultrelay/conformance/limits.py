"""The bounds of the kit: an adapter and its client are as little trusted as any peer."""

MAX_LINE_BYTES = 1024 * 1024
"""Of one line of an adapter. A thousand peers take 60 KiB."""
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
"""Of an adapter's standard output, in one case."""
MAX_STDERR_BYTES = 4096
"""The end of an adapter's standard error, for the report."""
MAX_ADAPTER_MEMORY = 2 * 1024**3
"""Bytes of data, not of address space: runtimes reserve far more than they use."""
MAX_EVENTS = 10_000
"""Events of one client in one case. The longest case has some hundred."""
MAX_HEAD_BYTES = 8192
"""Of an upgrade request, as at a relay."""
MAX_FRAME_BYTES = 16 * 1024 * 1024
"""Of a client's frame. No case asks for a message above 1 MiB."""
MAX_FRAMES = 10_000
"""Of a client, received and not judged yet."""
MAX_HELD_BYTES = 64 * 1024 * 1024
"""Of a client, received and not judged yet: far more than TCP holds while the kit is busy."""
MAX_CONNECTIONS = 20
"""In one case: a client that reconnects without a delay fails the case, and no more."""
MAX_CHANNELS = 512
"""Public keys that are kept: each case has a channel, and is played by each wrong client again."""
MAX_MESSAGE_ID = 2**32 - 1
"""Largest id that a client may report: the header of a message has four bytes for it."""
MAX_SHOWN_CHARS = 300
"""Of a client's text in a report."""
MAX_TRANSCRIPT_LINES = 60
"""The end of a case, for the report of a failure: two joins take thirty lines."""
MAX_TRANSCRIPT_CHARS = 400
"""Of a line of it. A hello has some 380."""
MAX_TRANSCRIPT_DATA_BYTES = 64 * 1024
"""Kept for a line of it: a message in 1024 fragments, not a megabyte for each of sixty lines."""

PATIENCE_SECONDS = 10.0
"""Real time for each step. A slow device in an emulator takes some seconds for a join."""
START_SECONDS = 60.0
"""Real time for the adapter's first line: a virtual machine or an emulator starts first."""
CASE_SECONDS = 120.0
"""Real time for a case: 200 MB in two directions take a phone a minute."""
GRACE_SECONDS = 0.25
"""Real time in which what a client sent may still arrive, after it reported its end."""
EXIT_SECONDS = 2.0
"""Real time for the adapter's exit, after the end of its input, and again after SIGTERM."""
PAUSE_SECONDS = 0.02
"""Real time in which a client that has threads acts on a new time."""
MIN_POLL_SECONDS = 0.001
MAX_POLL_SECONDS = 0.05
"""Between two requests for events; doubles while there is nothing new."""
MAX_MASK_KEYS = 16
"""Of the last frames of a connection: a generator that repeats itself shows in a few."""
