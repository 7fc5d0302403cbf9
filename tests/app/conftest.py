"""Fixtures for tests of a whole relay."""

from collections.abc import Iterator

import pytest
from twisted.logger import LogEvent

from tests.recorded_log import RecordedLog


@pytest.fixture
def log(logged_errors: list[LogEvent]) -> Iterator[RecordedLog]:
    """The log of the relay."""
    yield RecordedLog()
    # They are among its lines, for the tests to look at.
    logged_errors.clear()
