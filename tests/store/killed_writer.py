"""A process that stores items until it is killed, and prints each one that is stored::

python -m tests.store.killed_writer FOLDER FIRST
"""

import sys
from itertools import count
from pathlib import Path

from tests.store.samples import NOW, put
from vaultrelay.store.sqlite.opening import open_sqlite_store
from vaultrelay.store.store import Stored, StoreLimits

BATCH = 5
ROOM = StoreLimits(channel_items=1 << 30, channel_bytes=1 << 40, total_bytes=1 << 40)


def payload(number: int) -> bytes:
    """The payload of an item, of which each byte depends on its number."""
    return number.to_bytes(8, "big") * (1 + number % 300)


def main() -> None:
    """Store batches of items, every fourth one with a collapse key, and delete old ones."""
    folder, first = Path(sys.argv[1]), int(sys.argv[2])
    store = open_sqlite_store(folder, folder / "key", ROOM, 0)
    print("open", flush=True)
    for start in count(first, BATCH):
        puts = [
            put(number, payload=payload(number), key=b"k" * 16 if number % 4 == 0 else None)
            for number in range(start, start + BATCH)
        ]
        for each, result in zip(puts, store.put(puts, NOW), strict=True):
            assert isinstance(result, Stored)
            print(int.from_bytes(each.id, "big"), result.cursor.place, flush=True)
        store.housekeep(NOW, NOW)


if __name__ == "__main__":
    main()
