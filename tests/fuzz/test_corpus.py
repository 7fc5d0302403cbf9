"""What fuzzing found once, and where it began, is played at every run."""

from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS

CASES = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case: Path) -> None:
    TARGETS[case.parent.name](case.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_has_a_corpus(target: str) -> None:
    assert any(case.parent.name == target for case in CASES)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 5000])
def test_trivial_bytes(target: str, data: bytes) -> None:
    TARGETS[target](data)
