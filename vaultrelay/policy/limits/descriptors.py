"""Limits of open files and sockets."""

OTHER_FILES = 100
"""Open files beside devices and pending connections: listeners, log, reading of files, admin and
health check. 16 are always open, 5 more with a mailbox, and ADMIN_CONNECTIONS,
PENDING_HEALTH_REQUESTS and CONTROL_CONNECTIONS may be added."""
MIN_OTHER_FILES = 40
"""The same under a low limit: the files that are always open, and a few simultaneous requests."""
OTHER_FILES_SHARE = 4
PENDING_FILES_SHARE = 4
"""Under a limit on open files that is too low for all, divides it into the part for pending
connections and as much for other files; the devices have the remaining half: of 256 they have 128,
of 1024 even 668. A smaller part for pending connections would delay returning devices: with a
quarter, half of all that there is room for pass at once."""
SELECT_SOCKETS = 512
"""The limit of Python's select() on Windows, where no other reactor watches descriptors.
With one more the reactor would loop without any effect."""
SELECT_FILES = SELECT_SOCKETS + 50
"""The limit on open files there: half of OTHER_FILES are not sockets."""
