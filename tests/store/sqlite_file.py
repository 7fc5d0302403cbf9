"""What tests do to the file of a closed store."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from vaultrelay.store.sqlite.channels import PLACE_BITS
from vaultrelay.store.sqlite.opening import FILE

_SUMS = """SELECT count(*) FROM channel WHERE bytes != (SELECT total(size) FROM item
    WHERE item.channel = number) OR items != (SELECT count(*) FROM item
    WHERE item.channel = number)"""


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file, by an ordinary connection."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        yield db


def sums_differ(folder: Path) -> bool:
    """Whether the counters of a channel differ from its items, or an item has none."""
    with database(folder) as db:
        strangers = "SELECT count(*) FROM item WHERE channel NOT IN (SELECT number FROM channel)"
        return any(db.execute(query).fetchone()[0] for query in (_SUMS, strangers))


def damage_item(folder: Path, name: bytes, place: int) -> None:
    """Change the payload of an item, and not its checksum."""
    with database(folder) as db:
        [number] = db.execute("SELECT number FROM channel WHERE name = ?", (name,)).fetchone()
        row = (number << PLACE_BITS) + place
        [payload] = db.execute("SELECT payload FROM item WHERE row = ?", (row,)).fetchone()
        db.execute("UPDATE item SET payload = ? WHERE row = ?", (payload + b"!", row))
