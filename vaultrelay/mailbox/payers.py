"""Payers: what one device may store of what all share.

With access tokens, the channels that a token was last used for count to its share in the store.
Without, each network has a number of bytes a day, which is kept in memory.
"""

from collections import OrderedDict

from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.session import Session
from vaultrelay.policy.limits.mailbox import DAY_SECONDS, MAX_PAYING_NETWORKS
from vaultrelay.policy.limits.networks import LINE_FACTOR, SITE_FACTOR

_UNCOUNTED = b""
"""The network of all devices without a counted address, which share its bytes."""
_FACTORS = {8: 1.0, 7: LINE_FACTOR, 6: SITE_FACTOR, 4: 1.0, 3: SITE_FACTOR, 0: 1.0}
"""Of the bytes of an address, by the size of a network's key."""


class Payers:
    """Charges what is stored. `address_bytes` may be stored by one address in a day, if the mailbox
    `is_open`."""

    def __init__(self, clock: Clock, address_bytes: int, *, is_open: bool) -> None:
        self.address_bytes = address_bytes
        self._clock = clock
        self.is_open = is_open
        self._paid_at: OrderedDict[bytes, float] = OrderedDict()
        """When each network owes nothing any more. A debt of a day is the most."""

    def payer(self, session: Session) -> bytes | None:
        """Return the payer, to which the channel of a device counts in the store."""
        return session.token

    def charge(self, session: Session, size: int) -> bool:
        """Charge bytes to the networks of a device; return whether all have room for them. What is
        not stored is given back as a negative size."""
        if not self.is_open or not self.address_bytes:
            return True
        now = self._clock.seconds()
        debts = {}
        for key in [budget.key for budget in session.budgets] or [_UNCOUNTED]:
            seconds = size * DAY_SECONDS / (self.address_bytes * _FACTORS[len(key)])
            debts[key] = max(self._paid_at.get(key, 0.0), now) + seconds
            if debts[key] - now > DAY_SECONDS:
                return False
        for key, paid_at in debts.items():
            self._paid_at[key] = paid_at
            self._paid_at.move_to_end(key)
        while len(self._paid_at) > MAX_PAYING_NETWORKS:
            # The one that has stored nothing for longest.
            self._paid_at.popitem(last=False)
        return True

    def forget_paid(self) -> None:
        """Forget networks that owe nothing, each within a day. To be called every second."""
        now = self._clock.seconds()
        while self._paid_at and next(iter(self._paid_at.values())) <= now:
            self._paid_at.popitem(last=False)
