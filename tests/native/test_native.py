"""The choice between the twins: by the variable, by what is built, by the sources beside it."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from vaultrelay import native
from vaultrelay.native import modules

FOLDER = Path(native.__file__).parent
ASK = "from vaultrelay import native; print(native.code(), native.faults())"


def ask(choice: str) -> "subprocess.CompletedProcess[str]":
    """What a process with this RELAY_NATIVE uses."""
    return subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {native.VARIABLE: choice, "PYTHONPATH": str(FOLDER.parents[1])},
    )


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The choice as a new process makes it, which the test may prepare."""
    for each in (native._load, native._digest):
        each.cache_clear()
    monkeypatch.setattr(native, "_faults", {})
    monkeypatch.setattr(native, "CHOICE", "")
    monkeypatch.setattr(sys, "platform", "linux")
    yield native
    for each in (native._load, native._digest):
        each.cache_clear()


def built(monkeypatch: pytest.MonkeyPatch, **found: object) -> None:
    """Let these modules be found: with the sources of a name, or raising an exception."""

    def load(name: str) -> ModuleType:
        error = found.get(name.rpartition(".")[2], ModuleNotFoundError(f"No module named {name!r}"))
        if isinstance(error, Exception):
            raise error
        module = ModuleType(name)
        vars(module).update({"SOURCES": error, "double": lambda number: 2 * number})
        return module

    monkeypatch.setattr(native, "import_module", load)
    monkeypatch.setattr(modules, "EVERYWHERE", ("data",))
    monkeypatch.setattr(modules, "LINUX", ("stream",))
    monkeypatch.setattr(modules, "digest", lambda _: "ours")


def pure(number: int) -> int:
    return number + number


pure.__name__ = "double"


def test_0_is_pure() -> None:
    assert ask("0").stdout == "pure []\n"


@pytest.mark.parametrize("choice", ["2", "yes", "01"])
def test_another_value_is_an_error(choice: str) -> None:
    assert f"NativeMissing: RELAY_NATIVE is '{choice}', and must be 0, 1" in ask(choice).stderr


@pytest.mark.compiled
@pytest.mark.parametrize("choice", ["", "1"])
def test_what_is_built_is_used(choice: str) -> None:
    assert ask(choice).stdout == "native []\n"


def test_a_twin_is_used_where_it_is_built(
    loaded: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(monkeypatch, data="ours", stream="ours")
    chosen = loaded.has_twin("data")(pure)
    assert (chosen(2), loaded.code(), loaded.faults()) == (4, "native", [])
    assert chosen is not pure
    assert loaded.pairs.pop(chosen) == (pure, chosen)


def test_without_any_it_is_pure_and_no_fault(
    loaded: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(monkeypatch)
    assert loaded.has_twin("data")(pure) is pure
    assert (loaded.code(), loaded.faults()) == ("pure", [])


def test_elsewhere_than_on_linux_some_are_used(
    loaded: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if they are demanded: there are no others."""
    built(monkeypatch, data="ours", stream="ours")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(loaded, "CHOICE", "1")
    assert loaded.has_twin("stream")(pure) is pure
    assert (loaded.code(), loaded.faults()) == ("mixed", [])


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ("another's", "they were built from other sources; build them again with: make native"),
        (ImportError("undefined symbol: PyX"), "undefined symbol: PyX"),
        (ValueError("Stream size changed"), "Stream size changed"),
    ],
    ids=["stale", "of another Python", "of another struct"],
)
def test_what_cannot_be_used_is_a_fault(
    loaded: ModuleType, monkeypatch: pytest.MonkeyPatch, found: object, fault: str
) -> None:
    built(monkeypatch, data=found, stream="ours")
    assert loaded.has_twin("data")(pure) is pure
    assert loaded.code() == "mixed"
    assert loaded.faults() == [f"compiled modules cannot be used (data): {fault}"]


def test_sources_that_cannot_be_read_are_a_fault(
    loaded: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(monkeypatch, data="ours", stream="ours")

    def digest(_: str) -> str:
        raise PermissionError("data.pyx")

    monkeypatch.setattr(modules, "digest", digest)
    assert loaded.has_twin("data")(pure) is pure
    assert loaded.faults() == ["compiled modules cannot be used (data, stream): data.pyx"]


def test_a_reason_for_all_is_told_once(loaded: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    built(monkeypatch, data="another's", stream="another's")
    (fault,) = loaded.faults()
    assert fault.startswith("compiled modules cannot be used (data, stream): they were built from")


@pytest.mark.parametrize("found", ["another's", ImportError("not this one"), None])
def test_what_is_demanded_and_missing_is_an_error(
    loaded: ModuleType, monkeypatch: pytest.MonkeyPatch, found: object
) -> None:
    built(monkeypatch, **({} if found is None else {"data": found}))
    monkeypatch.setattr(loaded, "CHOICE", "1")
    with pytest.raises(loaded.NativeMissing, match="RELAY_NATIVE is 1, but compiled modules can"):
        loaded.has_twin("data")(pure)


def test_each_source_changes_the_digest(tmp_path: Path) -> None:
    seen = {modules.digest(str(tmp_path))}
    for name in ("one.pyx", "two.pxd", "three.pxi"):
        (tmp_path / name).write_text("")
        seen.add(modules.digest(str(tmp_path)))
    (tmp_path / "one.pyx").write_text("\n")
    seen.add(modules.digest(str(tmp_path)))
    assert len(seen) == 5
    (tmp_path / "one.pyx").write_bytes(b"\r\n")
    (tmp_path / "readme.txt").write_text("not a source")
    (tmp_path / ".#one.pyx").write_text("a lock of an editor")
    assert modules.digest(str(tmp_path)) in seen


def test_an_installed_relay_has_no_sources(tmp_path: Path) -> None:
    assert modules.digest(str(tmp_path)) == modules.digest(str(tmp_path / "none")) == ""


@pytest.mark.compiled
def test_each_twin_knows_its_sources() -> None:
    for name in modules.names(sys.platform):
        module = importlib.import_module(f"vaultrelay.native.{name}")
        assert modules.digest(str(FOLDER)) == module.SOURCES
