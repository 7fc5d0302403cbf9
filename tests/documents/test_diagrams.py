"""The sequence diagrams are made from text, and are up to date."""

import runpy
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
MAKER: dict[str, Any] = runpy.run_path(str(DOCS / "make_diagrams.py"))


@pytest.mark.parametrize("name", MAKER["DIAGRAMS"])
def test_the_committed_picture_is_the_one_that_is_made(name: str) -> None:
    made = MAKER["picture"](MAKER["DIAGRAMS"][name])
    assert (DOCS / "figures" / name).read_text() == made, "run make diagrams"


def test_each_line_is_an_arrow_or_a_note() -> None:
    made = MAKER["picture"]("A & B\nx | y\nx -> y: <hello>\ny -> x: no\n- a note")
    svg = ET.fromstring(made)  # noqa: S314  our own
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["x", "y", "<hello>", "no", "a note"]
    arrows = [
        path for path in svg.iter("{http://www.w3.org/2000/svg}path") if "marker-end" in path.attrib
    ]
    assert len(arrows) == 2


def test_a_party_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        MAKER["picture"]("A\nx | y\nx -> z: hello")
