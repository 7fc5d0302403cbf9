"""Plots: where a curve goes, what stands at its axes, and what is read aloud."""

import re
from collections.abc import Sequence
from math import nan
from xml.etree import ElementTree as ET

import pytest

from tests.web.made import flat
from vaultrelay.web import plot
from vaultrelay.web.plot import HEIGHT, HISTORY_MINUTES, WIDTH, Plot, shown_minutes
from vaultrelay.web.units import number

PLOT = Plot("joined", "Devices <of all>", number, 10)


def line_plot(shown: Plot, values: Sequence[float], period: int = HISTORY_MINUTES) -> str:
    return flat(plot.line_plot(shown, values, period))


def path(figure: str, kind: str) -> str:
    found = re.search(rf'<path class="{kind}" d="([^"]*)"', figure)
    assert found
    return found[1]


def spans(figure: str, kind: str) -> list[str]:
    found = re.search(rf'<div class="{kind}">(.*?)</div>', figure)
    assert found
    return re.findall(r"<span>(.*?)</span>", found[1])


def test_a_plot_is_well_formed_and_says_what_it_shows() -> None:
    root = ET.fromstring(line_plot(PLOT, [0, 4, 2]))  # noqa: S314  our own
    drawing = root.find(".//svg")
    assert drawing is not None
    assert drawing.get("aria-label") == "Devices <of all> in the last 60 minutes: 2 now, 4 at most"
    assert root.findtext(".//b") == "Devices <of all>"


def test_the_oldest_is_left_and_the_newest_right() -> None:
    figure = line_plot(PLOT, [0, 10, 5])
    assert path(figure, "line") == f"M0 {HEIGHT}L{WIDTH // 2} 0L{WIDTH} 50L{WIDTH} 50"
    assert path(figure, "area").endswith(f"L{WIDTH} {HEIGHT}Z")


@pytest.mark.parametrize(
    ("maximum", "heights"),
    [
        (0, ["10", "5", "0"]),
        (10, ["10", "5", "0"]),
        (10.1, ["20", "10", "0"]),
        (39, ["40", "20", "0"]),
        (41, ["60", "30", "0"]),
        (99, ["100", "50", "0"]),
        (123_456, ["200 k", "100 k", "0"]),
    ],
)
def test_the_axis_ends_at_a_round_number_above_all(maximum: float, heights: list[str]) -> None:
    assert spans(line_plot(PLOT, [0, maximum, 0]), "heights") == heights


def test_the_hour_is_told_in_quarters() -> None:
    times = spans(line_plot(PLOT, [0, 1]), "times")
    assert times == ["60 min ago", "45 min", "30 min", "15 min", "now"]


def test_what_is_not_known_is_a_gap() -> None:
    figure = line_plot(PLOT, [nan, 1, 1, nan, 1])
    assert path(figure, "line").count("M") == 2
    assert path(figure, "area").count("Z") == 2
    assert "nan" not in figure


def test_a_relay_that_has_just_started_has_an_empty_plot() -> None:
    figure = line_plot(PLOT, [nan] * 360)
    assert path(figure, "line") == path(figure, "area") == ""
    assert "<strong>no data</strong>\n<small>peak unknown</small>" in figure


@pytest.mark.parametrize(
    ("known", "minutes"), [(0, 4), (18, 4), (24, 4), (25, 8), (120, 20), (241, 60), (360, 60)]
)
def test_the_time_axis_is_as_long_as_there_are_samples(known: int, minutes: int) -> None:
    curve = [nan] * (360 - known) + [1.0] * known
    assert shown_minutes([[nan] * 360, curve]) == minutes
    times = spans(line_plot(PLOT, curve, minutes), "times")
    assert times[0] == f"{minutes} min ago"


def test_a_short_axis_shows_the_latest_samples() -> None:
    figure = line_plot(PLOT, [nan] * 336 + [10.0] + [0.0] * 23, 4)
    assert path(figure, "line").startswith("M0 0L")
