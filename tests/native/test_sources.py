"""What a Cython source of a twin must have, and must not."""

import ast
import re
from pathlib import Path

import pytest

from vaultrelay.native import modules
from vaultrelay.policy.limits.streams import EVENTS_AT_ONCE, MAX_READ_BYTES
from vaultrelay.transport.unsealing import RECORD_BYTES
from vaultrelay.wire.data import HEADER_BYTES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "vaultrelay" / "native"
SOURCES = sorted(FOLDER.glob("*.pyx"))
OURS = re.compile(
    r"^(\s*)(?:from\s+(vaultrelay\S*|\.\S*)\s+c?import|c?import\s+(vaultrelay\S*))", re.MULTILINE
)
NUMBER = re.compile(r"^    ([A-Z_0-9]+) = ([0-9]+)$", re.MULTILINE)


def test_each_module_has_its_source() -> None:
    assert {each.stem for each in SOURCES} == {*modules.EVERYWHERE, *modules.LINUX}


def test_each_pair_is_of_a_module_that_is_built() -> None:
    for path in (ROOT / "vaultrelay").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "has_twin":
                assert ast.literal_eval(node.args[0]) in (*modules.EVERYWHERE, *modules.LINUX), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_each_source_knows_its_digest(path: Path) -> None:
    assert path.read_text().count('\ninclude "built.pxi"\n') == 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_twin_imports_the_relay_within_functions_only(path: Path) -> None:
    """It is below all other rooms. import-linter does not read Cython."""
    for indent, *name in OURS.findall(path.read_text()):
        is_of_this_room = "".join(name).startswith(("vaultrelay.native", "."))
        assert indent or is_of_this_room, f"{path.name} imports {name} when it is loaded"


def test_the_rule_finds_what_it_forbids() -> None:
    assert OURS.findall("from vaultrelay.wire cimport x\n    import vaultrelay.wire\n") == [
        ("", "vaultrelay.wire", ""),
        ("    ", "", "vaultrelay.wire"),
    ]


def test_the_numbers_of_twins_are_those_of_the_limits() -> None:
    """A twin cannot import them when it is compiled. A round of more events than it takes at once
    would look complete."""
    numbers = {
        (path.stem, name): int(value)
        for path in SOURCES
        for name, value in NUMBER.findall(path.read_text())
    }
    assert numbers["streams", "READ_BYTES"] == MAX_READ_BYTES
    assert numbers["streams", "MOST_EVENTS"] >= EVENTS_AT_ONCE
    assert numbers["records", "RECORD_BYTES"] == RECORD_BYTES
    assert numbers["data", "HEADER_BYTES"] == HEADER_BYTES
