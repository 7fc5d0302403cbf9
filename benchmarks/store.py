"""What the store of the mailbox costs: CPU time and fsyncs of PUT, page, expiry and erase::

python -m benchmarks.store [FOLDER]

CPU times are those of the whole process, per item; the elapsed time includes the disk's.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time

from vaultrelay.policy.limits.mailbox import PAGE_BYTES
from vaultrelay.store.sqlite.opening import open_sqlite_store
from vaultrelay.store.store import Put, Store, StoreLimits

NOW = 1_800_000_000
CHANNELS = 64
LIMITS = StoreLimits(
    channel_bytes=1 << 40, channel_items=1 << 40, total_bytes=1 << 40, payer_bytes=1 << 40
)


def measure(name: str, count: int, work: Callable[[], object]) -> None:
    """Do some work for `count` items, and print what it took for each."""
    cpu, elapsed = process_time(), perf_counter()
    work()
    cpu, elapsed = process_time() - cpu, perf_counter() - elapsed
    print(f"  {name:32} {cpu / count * 1e6:8.1f} us CPU {elapsed / count * 1e6:9.1f} us elapsed")


def puts(size: int, first: int, count: int) -> list[Put]:
    """PUTs to all channels in turn."""
    return [
        Put(bytes([number % CHANNELS]) * 32, number.to_bytes(16, "big"), bytes(size))
        for number in range(first, first + count)
    ]


def store_all(store: Store, items: list[Put], batch: int) -> None:
    """Store items in transactions of this size."""
    for start in range(0, len(items), batch):
        store.put(items[start : start + batch], NOW)


def read_all(store: Store) -> None:
    """Read all channels, page by page."""
    for number in range(CHANNELS):
        cursor, is_end = None, False
        while not is_end:
            _, cursor, is_end, _ = store.page(bytes([number]) * 32, cursor, PAGE_BYTES, NOW)


def expire_all(store: Store) -> float:
    """Let all items expire; return the longest slice."""
    longest = 0.0
    is_more = True
    while is_more:
        started = perf_counter()
        is_more = store.housekeep(NOW + LIMITS.retention, NOW + LIMITS.retention)
        longest = max(longest, perf_counter() - started)
    return longest


def run(folder: Path, size: int, count: int) -> None:
    """Measure with payloads of one size."""
    print(f"{count} items of {size} bytes in {CHANNELS} channels")
    store = open_sqlite_store(folder, folder / "key", LIMITS, 0)
    single = count // 10
    measure("put, each by itself", single, lambda: store_all(store, puts(size, 0, single), 1))
    measure("put, 64 at once", count, lambda: store_all(store, puts(size, single, count), 64))
    total = single + count
    print(f"  the file has {store.usage().file_bytes / (total * size):.2f} times the payload")
    measure("page", total, lambda: read_all(store))
    erased = total // CHANNELS
    measure("erase a channel", erased, lambda: store.erase(bytes(32), None, lambda: None))
    slices: list[float] = []
    measure("expire", total - erased, lambda: slices.append(expire_all(store)))
    print(f"  the longest slice took {slices[0] * 1000:.1f} ms")
    print(f"  the file has {store.usage().file_bytes / 1024:.0f} KiB now")
    store.close()


def main() -> None:
    """Measure small and large items."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        run(Path(folder) / "small", 1024, 20_000)
        run(Path(folder) / "large", 65_536, 1_000)
    print(f"peak RSS {getrusage(RUSAGE_SELF).ru_maxrss} KiB")


if __name__ == "__main__":
    main()
