"""Limits of the memory for messages."""

from vaultrelay.policy.limits.defaults import DEFAULT_MESSAGE_BYTES

HIGH_MARK = 256 * 1024
"""Queued for one receiver: above this its senders are not read. Fills a fast link for 20 ms."""
LOW_MARK = 64 * 1024
"""Below this its senders are read again, so that a link is never idle while they wait."""
CONTROL_RESERVE = 64 * 1024
"""Room for control messages and NACKs above a receiver's full queue."""
KERNEL_UNSENT = 64 * 1024
"""Unsent bytes in the kernel (TCP_NOTSENT_LOWAT). Its own buffers grow to megabytes, which the
ledger does not count and in which progress is invisible."""
PROGRESS_BYTES = 16 * 1024
"""The least progress: a few packets. A dying link passes some bytes now and then."""
BUSY_SECONDS = 5
"""Without progress in this time a receiver no longer pauses its senders."""
SLOW_SECONDS = 20
"""Without progress in this time a receiver is closed. Phones change networks faster."""
UNFINISHED_SECONDS = 10
"""In which a message that has begun must make progress, so that slow senders cannot hold memory."""
MEMORY_SHARE = 8
"""Divides the memory of the machine into `--max-buffer` and the rest, for the relay itself, its
connections, and other programs."""
MIN_MESSAGES_HELD = 4
"""Messages of the largest size for which `--max-buffer` must have room: one incoming, one outgoing,
and as much again. With less, two devices could already be closed for lack of memory."""
MIN_BUFFER = MIN_MESSAGES_HELD * DEFAULT_MESSAGE_BYTES
"""The smallest `--max-buffer` by default, 4 MiB: also where the memory is unknown."""
RETRY_MEMORY_SECONDS = 60
"""The wait announced to a device that is closed with 4007."""
FRAME_READER_BYTES = 7 * 1024
"""The memory of an instance of Autobahn's protocol, which reads the frames that the relay does
not."""
SPARE_FRAME_READERS = 8
"""Unused instances kept for the next connection. A frame is mostly whole within one read, so that
one suffices; a few are in use for longer."""
MAX_DEFAULT_BUFFER = 256 * 1024 * 1024
"""The largest `--max-buffer` by default: 4096 queued messages of 64 KiB, and less than most expect
a relay to take. An eighth of 24 GB would be 3 GB; that is for the operator to decide."""
TRIM_FROM_BYTES = 2 * 1024 * 1024
TRIM_SECONDS = 1
"""Free memory is given back to the system, which takes 3 ms, after an interval in which at most so
much was held as is TRIM_FROM_BYTES below the peak. During a burst its pages are used again."""
