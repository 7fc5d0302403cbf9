"""Where the tests of the store have their files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.disks import FAST_FOLDER


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory, in the place of pytest's: these tests call fsync a thousand times."""
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as name:
        yield Path(name)
