"""Limits of reserved slots."""

from vaultrelay.policy.limits.pending import PENDING_GRACE_SECONDS
from vaultrelay.policy.limits.timeouts import HELLO_SECONDS

RESERVED_SLOTS = 16
"""Connections admitted to a full relay because their channel has devices here, so that a device can
replace its own dead connection; counted until they join."""
RESERVED_GRACE_SECONDS = PENDING_GRACE_SECONDS
"""For which a reserved slot is safe from eviction: from the 101 to the hello is one round trip and
one signature. It is safe for less if its network or its channel has lately held slots for longer
than those of the next device."""
RESERVED_DEBT_SECONDS = 60
"""After which the record expires that a network or channel held a slot for RESERVED_GRACE_SECONDS.
Holding all slots against others takes fresh ones all the time, 320 in each minute."""
RESERVED_GROUPS = 10_000
"""Networks and channels with such a record: 4 MB, and far more than those 320."""
RETRY_RESERVED_SECONDS = HELLO_SECONDS
"""For a device that finds all slots taken: by then each is free again, and a device that has a dead
connection to replace should not wait for longer."""
