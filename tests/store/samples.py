"""Items for the tests of the mailbox."""

from vaultrelay.store.store import Cursor, Page, Put, Refused, Store, Stored, StoreLimits

CHANNEL = b"c" * 32
OTHER = b"d" * 32
NOW = 1_800_000_000
DAY = 86400
WEEK = 7 * DAY
LIMITS = StoreLimits()


def put(
    number: int,
    channel: bytes = CHANNEL,
    payload: bytes = b"payload",
    key: bytes | None = None,
    ttl: int = 0,
    payer: bytes | None = None,
) -> Put:
    """The PUT of an item, whose id is a number."""
    return Put(channel, number.to_bytes(16, "big"), payload, key, ttl, payer)


def store_one(store: Store, item: Put, now: int = NOW) -> Cursor:
    """Store an item, which must succeed; return its cursor."""
    [result] = store.put([item], now)
    assert isinstance(result, Stored)
    return result.cursor


def refusal(store: Store, item: Put, now: int = NOW) -> object:
    """The reason why a store refuses an item; None if it does not."""
    [result] = store.put([item], now)
    return result.reason if isinstance(result, Refused) else None


def read(
    store: Store, cursor: Cursor | None = None, now: int = NOW, channel: bytes = CHANNEL
) -> Page:
    """All that follows a cursor."""
    return store.page(channel, cursor, 1 << 30, now)


def erase(store: Store, channel: bytes, upto: Cursor | None) -> Cursor | None:
    """Erase without other work meanwhile."""
    return store.erase(channel, upto, lambda: None)


def numbers(page: Page) -> list[int]:
    """The items of a page, by the numbers of their ids."""
    return [int.from_bytes(item.id, "big") for item in page.items]


def housekeep(store: Store, now: int, latest: int | None = None) -> None:
    """Do all slices."""
    while store.housekeep(now, now if latest is None else latest):
        pass
