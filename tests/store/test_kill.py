"""kill -9 while items are stored: what was answered is there, once and in order.

`MAILBOX_KILLS=200 pytest tests/store/test_kill.py` kills as often.
"""

import os
import random
import subprocess
import sys
from pathlib import Path
from threading import Timer

from tests.store.killed_writer import ROOM, payload
from tests.store.samples import numbers, read
from tests.store.sqlite_file import sums_differ
from vaultrelay.store.sqlite.opening import open_sqlite_store

KILLS = int(os.environ.get("MAILBOX_KILLS", "4"))


def test_what_was_answered_survives_kills(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    chance = random.Random(3)
    answered: dict[int, int] = {}
    for _ in range(KILLS):
        answered |= _store_until_killed(folder, max(answered, default=0) + 1000, chance.random())
        store = open_sqlite_store(folder, folder / "key", ROOM, 0)
        page = read(store)
        store.check()
        store.close()
        assert not sums_differ(folder)
        places = {int.from_bytes(item.id, "big"): item.cursor.place for item in page.items}
        assert len(places) == len(page.items)
        assert sorted(places) == numbers(page)
        assert all(item.payload == payload(int.from_bytes(item.id, "big")) for item in page.items)
        kept = {number: place for number, place in answered.items() if number % 4}
        assert kept.items() <= places.items()
        replaced = [number for number in answered if number % 4 == 0]
        newest = [number for number in places if number % 4 == 0]
        assert len(newest) == bool(newest)
        assert not replaced or newest[0] >= max(replaced)
    assert answered
    print(f"{KILLS} kills, {len(answered)} answers")


def _store_until_killed(folder: Path, first: int, seconds: float) -> dict[int, int]:
    """The items that a writer has reported as stored, and their places."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.killed_writer", str(folder), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        timer = Timer(seconds / 4, writer.kill)
        timer.start()
        lines = writer.stdout.readlines()
        timer.join()
    # The last line may be cut by the kill.
    pairs = [line.split() for line in lines if line.endswith("\n")]
    return {int(number): int(place) for number, place in pairs}
