"""The reference pages: all that the code declares is in them, in each place once."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaultrelay.config.settings import OPTIONS as DECLARED
from vaultrelay.policy.operator_warning import SUMMARIES
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.mailbox_metrics import MAILBOX_METRICS
from vaultrelay.web.metrics import METRICS
from vaultrelay.wire.close_codes import CloseCode

ROOT = Path(__file__).parents[2]
OPTIONS = runpy.run_path(str(ROOT / "docs/_ext/declared.py"))["options"]()
PAGES = list((ROOT / "docs/reference").glob("*.rst"))


@pytest.fixture(scope="module")
def tables() -> dict[str, Callable[[], str]]:
    """The functions that make the tables, by the directives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs/_ext")
        made: dict[str, Any] = runpy.run_path(str(ROOT / "docs/_ext/reference_text.py"))
    found: dict[str, Callable[[], str]] = made["TABLES"]
    return found


def test_each_table_is_on_one_page(tables: dict[str, Callable[[], str]]) -> None:
    used = [
        name
        for page in PAGES
        for name in re.findall(r"^\.\. (relay-[a-z-]+)::$", page.read_text(), re.MULTILINE)
    ]
    assert sorted(used) == sorted(tables)
    known = runpy.run_path(str(ROOT / "packaging/check/links.py"))["OF_THE_SITE"]
    assert set(tables) <= set(known)


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("relay-options", [f".. option:: {option.flag}\n" for option in DECLARED]),
        ("relay-options", [f"``{option.variable}``" for option in OPTIONS]),
        (
            "relay-metrics",
            [
                f"``{metric.name}``\n   {metric.type.capitalize()}. "
                for metric in (*METRICS, *MAILBOX_METRICS)
            ],
        ),
        ("relay-outcomes", [f"``{slug}``" for slug in REFUSED]),
        ("relay-warnings", [f"``{slug}``" for slug in SUMMARIES]),
        ("relay-close-codes", [f"{code.number}\n     - ``{code.slug}``" for code in CloseCode]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_has_all_that_is_declared(
    tables: dict[str, Callable[[], str]], table: str, names: list[str]
) -> None:
    text = tables[table]()
    assert [name for name in names if text.count(name) != 1] == []


def test_an_option_stands_beside_its_variable_and_default(
    tables: dict[str, Callable[[], str]],
) -> None:
    _, *parts = tables["relay-options"]().split(".. option:: --")
    listed = {part.split()[0]: part for part in parts}
    assert set(listed) == {option.name for option in DECLARED}
    for option in DECLARED:
        assert f"``{option.variable}``" in listed[option.name]
        assert not option.default or f"default: ``{option.default}``" in listed[option.name]


def test_refusals_have_every_answer(tables: dict[str, Callable[[], str]]) -> None:
    text = tables["relay-refusals"]()
    source = (ROOT / "vaultrelay/wire/refusal.py").read_text()
    for status, error in re.findall(r"Refusal\(\s*(\d{3}),\s*\"(\w+)\"", source):
        assert f"{status}\n     - ``{error}``" in text
