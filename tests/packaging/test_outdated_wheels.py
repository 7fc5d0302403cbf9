"""`make package-outdated` with an index of wheels and advisories of the test's own."""

import json
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging/outdated.py"


def pip(answers: dict[str, str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Answers in place of pip and pip-audit: what the index has, by the requirement, and in JSON
    the output of the audit."""

    def run(*command: str | Path, **_: Any) -> "subprocess.CompletedProcess[str]":
        if "pip_audit" in command:
            return subprocess.CompletedProcess(command, 1, answers["audit"], "first\nno route")
        asked = [str(word) for word in command if str(word).startswith(NAMES)]
        if any(name not in answers for name in asked):
            return subprocess.CompletedProcess(command, 1, "", "ERROR: No matching distribution")
        found = [
            {"metadata": {"name": name.partition("==")[0].lower(), "version": answers[name]}}
            for name in asked
        ]
        return subprocess.CompletedProcess(command, 0, json.dumps({"install": found}), "")

    return run


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Any]:
    """The script's names, with pins of the test's."""
    outdated = runpy.run_path(str(SCRIPT))
    outdated["wheel_pins"].__globals__["HERE"] = tmp_path
    (tmp_path / "requirements.txt").write_text(
        "h11==0.16.0 \\\n --hash\nPyNaCl==1.6.2 \\\nidna==3.20 \\\n"
    )
    (tmp_path / "requirements-build.txt").write_text("")
    return outdated


NAMES = ("h11", "PyNaCl", "idna")
INDEX = {
    "h11==0.16.*": "0.16.0",
    "PyNaCl==1.6.*": "1.6.2",
    "idna==3.*": "3.20",
    "h11": "0.16.0",
    "PyNaCl": "1.6.2",
    "idna": "3.20",
}


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, []),
        ({"PyNaCl==1.6.*": "1.6.3", "PyNaCl": "1.6.3"}, ["PyNaCl"]),
        # Another series is for a person to judge.
        ({"PyNaCl": "1.7.0"}, []),
        ({"h11==0.16.*": "0.16.1", "h11": "0.17.0"}, ["h11"]),
        ({"idna==3.*": "3.21", "idna": "4.0"}, ["idna"]),
    ],
)
def test_a_wheel_is_outdated_by_its_own_series(
    wheels: dict[str, Any], changed: dict[str, str], names: list[str]
) -> None:
    wheels["wheel_parts"].__globals__["run"] = pip(INDEX | changed)
    parts = list(wheels["wheel_parts"]())
    assert [part.name for part in parts if part.cure] == names
    assert {part.name: part.available for part in parts} == {
        name: (INDEX | changed)[name] for name in NAMES
    }


def test_an_index_that_does_not_answer_is_not_a_good_answer(wheels: dict[str, Any]) -> None:
    wheels["wheel_parts"].__globals__["run"] = pip({"audit": ""})
    with pytest.raises(
        wheels["NotAsked"], match="the package index does not answer pip: ERROR: No"
    ):
        list(wheels["wheel_parts"]())
    with pytest.raises(wheels["NotAsked"], match="the advisories of PyPI: no route"):
        list(wheels["advised_parts"]())


def test_an_advisory_is_named_with_what_mends_it(wheels: dict[str, Any]) -> None:
    audited = {
        "dependencies": [
            {"name": "h11", "version": "0.16.0", "vulns": []},
            {"name": "pynacl", "skip_reason": "not found"},
            {
                "name": "cffi",
                "version": "2.1.1",
                "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1.2"]}],
            },
        ]
    }
    wheels["advised_parts"].__globals__["run"] = pip({"audit": json.dumps(audited)})
    found = list(wheels["advised_parts"]())
    assert {(part.name, part.pinned, part.cure) for part in found} == {
        ("cffi", "2.1.1", "PYSEC-1 is fixed in 2.1.2")
    }
