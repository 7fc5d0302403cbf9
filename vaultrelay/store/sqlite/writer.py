"""Writer: stores PUTs, within the quotas."""

from vaultrelay.policy.limits.mailbox import CHANNEL_COST
from vaultrelay.store.names import Names
from vaultrelay.store.sqlite.channels import MAX_PLACE, Channel, cursor_at
from vaultrelay.store.sqlite.items import Row
from vaultrelay.store.sqlite.tables import Tables
from vaultrelay.store.store import Put, Refused, Stored, StoreLimits
from vaultrelay.wire.mailbox import PutReason

DAY = 86400


class Writer:
    """Stores one PUT after the other, in a transaction of the caller."""

    def __init__(self, tables: Tables, names: Names) -> None:
        self._tables = tables
        self._names = names

    def put(self, put: Put, limits: StoreLimits, now: int) -> Stored | Refused:
        """Store an item, unless there is one with its id, or a quota is exceeded."""
        if len(put.payload) > limits.item_bytes:
            return Refused(PutReason.TOO_BIG)
        tables = self._tables
        name = self._names.channel(put.channel)
        payer = None if put.payer is None else self._names.payer(put.payer)
        channel = tables.channels.find(name)
        older = None
        if channel is not None:
            place = tables.items.place(channel, put.id)
            if place is not None:
                return Stored(cursor_at(tables.channels.spans(channel), place), is_new=False)
            older = None if put.key is None else tables.items.with_key(channel, put.key)
        reason = self._refusal(channel, older, put.cost, payer, limits)
        if reason is not None:
            return Refused(reason)
        if channel is None:
            channel = tables.create_channel(name)
        tables.set_payer(channel, payer)
        if older is not None:
            tables.replace_item(channel, older)
        channel.used = now // DAY
        return Stored(tables.add_item(channel, put, now + limits.lifetime(put.ttl)), is_new=True)

    def _refusal(
        self,
        channel: Channel | None,
        older: Row | None,
        cost: int,
        payer: bytes | None,
        limits: StoreLimits,
    ) -> PutReason | None:
        """Return why an item of this cost must not be stored, if so."""
        if channel is None:
            if cost > limits.channel_bytes or not limits.channel_items:
                return PutReason.FULL
            return self._tables.quotas.refusal(limits, payer, cost + CHANNEL_COST)
        growth = cost if older is None else cost - older.size
        is_larger = growth > 0 and channel.size + growth > limits.channel_bytes
        is_longer = older is None and channel.items >= limits.channel_items
        if is_larger or is_longer or channel.head == MAX_PLACE:
            return PutReason.FULL
        moved = 0 if channel.payer == payer else channel.size + CHANNEL_COST
        return self._tables.quotas.refusal(limits, payer, growth, moved)
