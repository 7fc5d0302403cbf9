"""The picture of the rooms is made from the code, and is up to date; so is the page around it."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import vaultrelay

ROOT = Path(__file__).parents[2]
MAKER = ROOT / "docs" / "make_architecture.py"
PAGE = ROOT / "docs" / "architecture.rst"


@pytest.fixture(scope="module")
def make_architecture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_architecture", MAKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_picture_is_the_one_that_is_made(make_architecture: ModuleType) -> None:
    assert make_architecture.TARGET.read_text() == make_architecture.picture(), (
        "run make architecture"
    )


def test_every_room_is_in_it_with_its_purpose(make_architecture: ModuleType) -> None:
    rooms = {path.parent.name for path in (ROOT / "vaultrelay").glob("*/__init__.py")}
    assert set(make_architecture.purposes()) == rooms
    assert rooms <= set(re.findall(r">(\w+)</text>", make_architecture.picture()))


def test_an_import_is_an_arrow_wherever_it_stands(
    make_architecture: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vaultrelay/upper").mkdir(parents=True)
    (tmp_path / "vaultrelay/upper/module.py").write_text(
        "from vaultrelay import __version__\n"
        "if TYPE_CHECKING:\n    from vaultrelay.typed.x import X\n"
        "def late():\n    import vaultrelay.late.y\n    from vaultrelay import whole\n"
        "from twisted.late import z\n"
    )
    monkeypatch.setattr(make_architecture, "ROOT", tmp_path)
    rooms = {"upper", "typed", "late", "whole", "unused"}
    found = make_architecture.imports(rooms)
    assert found.pop("upper") == {"typed", "late", "whole"}
    assert not any(found.values())


def test_arrows_that_others_imply_are_left_out(make_architecture: ModuleType) -> None:
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": {"d"}}
    drawn = {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": {"d"}}
    assert make_architecture.reduction(graph) == drawn


def test_arrows_do_not_cross_where_they_need_not(make_architecture: ModuleType) -> None:
    levels, graph = [["a", "b"], ["c", "d"]], {"a": {"d"}, "b": {"c"}, "c": set(), "d": set()}
    drawing = make_architecture.layered(levels, graph)
    make_architecture.uncross(drawing)
    upper, lower = ([node.room for node in layer] for layer in drawing.layers)
    assert (upper, lower) in ((["b", "a"], ["c", "d"]), (["a", "b"], ["d", "c"]))


def test_the_page_names_methods_that_there_are() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "vaultrelay").rglob("*.py"))
    named = re.findall(r"``([A-Z]\w+)\.(\w+)``", PAGE.read_text())
    assert len(named) > 20
    for name, member in named:
        assert re.search(rf"\bclass {name}\b", sources), name
        assert re.search(rf"\bdef {member}\b", sources), (name, member)


def test_the_page_names_modules_and_attributes_that_there_are() -> None:
    text = PAGE.read_text()
    rooms = [path.name for path in (ROOT / "vaultrelay").iterdir() if path.is_dir()]
    named = re.findall(rf"``((?:{'|'.join(rooms)})/\w+\.py)``(?: ``([\w.]+)``)?", text)
    assert len(named) > 20
    for file, name in named:
        source = (Path(vaultrelay.__file__).parent / file).read_text()
        for word in filter(None, name.split(".")):
            assert re.search(rf"\b(?:def|class) {word}\b", source), (file, name)
