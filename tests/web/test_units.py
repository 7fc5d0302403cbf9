"""Units: numbers as people read them."""

import pytest

from vaultrelay.web.units import brief, lasting, number, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.004, "0"),
        (0.25, "0.25"),
        (1.236, "1.24"),
        (12.34, "12.3"),
        (99.97, "100"),
        (1234.4, "1234"),
        (9999, "9999"),
        (12_345, "12.3 k"),
        (4_000_000, "4 M"),
        (10**18, "1000000 T"),
    ],
)
def test_numbers(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (3_159_562_752, "3.16 GB"), (10**16, "10000 TB")],
)
def test_sizes(value: float, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 ms"), (0.00042, "0.42 ms"), (0.25, "250 ms"), (1.5, "1.5 s")]
)
def test_brief_times(seconds: float, shown: str) -> None:
    assert brief(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
        (200_000, "2 d 7 h"),
    ],
)
def test_long_times(seconds: float, shown: str) -> None:
    assert lasting(seconds) == shown
