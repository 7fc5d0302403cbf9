"""Limits on floods of frames and control messages."""

CONTROLS_PER_SECOND = 5
"""Control messages and pings of one device. An honest one sends a few in an hour."""
CONTROLS_BURST = 30
FRAMES_PER_SECOND = 1000
"""Frames of a device that are not whole data messages: fragments, pongs, control frames. A message
of 1 MiB in fragments of 4 KiB takes 256; before the join a few are enough."""
FRAMES_BURST = 2000
FRAGMENTS_PER_MESSAGE = 1024
"""Each fragment costs memory beside its bytes; 1 MiB in fragments of 1 KiB still passes."""
MIN_PAUSE_SECONDS = 0.01
"""The shortest pause of a device over its rate: shorter ones are not worth a timer, and rounding
could reduce one to nothing."""
RETRY_RATE_SECONDS = 30
"""The wait announced to a device that is closed with 4005."""
AFTER_CLOSE_BYTES = 8 * 1024 * 1024
"""Read of a device after the relay's close, to find its answer: more than was in flight. A device
that sends more is not read until it is cut off."""
AFTER_CLOSE_FRAME_BYTES = 8192
"""The charge for a frame that Autobahn reads, among these bytes, since it costs as much CPU."""
