"""The catalogue of cases: names, levels, sections and steps are in order."""

import inspect
import re
from functools import cache
from pathlib import Path

import pytest

from vaultrelay.conformance.case import Case, Level
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.script import VERBS

ROOT = Path(__file__).parents[2]
# The least that the kit is to have.
MIN_CASES = 60


@cache
def headings(page: str) -> set[str]:
    text = (ROOT / page).read_text("utf-8")
    return set(re.findall(r"^(\S.*)\n[=-]{3,}$", text, re.MULTILINE))


def test_names_are_unique_and_can_be_typed() -> None:
    names = [case.name for case in catalogue()]
    assert len(names) >= MIN_CASES
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z0-9._-]+", name) for name in names)


def test_there_are_cases_of_browsers_and_phones() -> None:
    assert {Level.MUST, Level.SHOULD, Level.BROWSER, Level.PHONE} <= {
        case.level for case in catalogue()
    }


@pytest.mark.parametrize("case", catalogue(), ids=lambda case: case.name)
def test_a_case_names_a_section_of_the_page_and_its_steps_exist(case: Case) -> None:
    assert case.section in headings(case.page)
    assert case.about.endswith(".")
    for step in case.steps:
        inspect.signature(VERBS[step.verb]).bind(
            None,
            None,
            **{name: value for name, value in step.arguments.items() if name != "client"},
        )


def test_a_case_is_for_some_platforms_and_features() -> None:
    by_name = {case.name: case for case in catalogue()}
    of_browsers, silence = by_name["upgrade-subprotocols"], by_name["silence"]
    assert of_browsers.level is Level.BROWSER
    assert of_browsers.obstacle("browser", ()) == ""
    assert "native" in of_browsers.obstacle("native", ())
    assert "clock" in silence.obstacle("native", ["reconnect"])
    assert silence.obstacle("native", ["reconnect", "clock"]) == ""
    assert by_name["wake-while-waiting"].needs == {"clock", "reconnect", "wake"}
    assert by_name["tls-expired"].needs == {"clock", "reconnect", "tls"}
    assert by_name["nack-busy-is-resent-in-order"].needs == {"resend"}


def test_names_beyond_ascii_need_idn() -> None:
    found = [case.name for case in catalogue() if "idn" in case.needs]
    assert found
    assert all(name.startswith("audience-") for name in found)
    assert "audience-wss-xn-bcher-kva.example" not in found
