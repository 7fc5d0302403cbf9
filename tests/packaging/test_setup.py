"""setup.py: a wheel with compiled twins, or without if they cannot be built; an sdist without C."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("LICENSE", "MANIFEST.in", "README.rst", "pyproject.toml", "setup.cfg", "setup.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source with one twin, which is translated in a second."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "vaultrelay", tmp_path / "vaultrelay", ignore=ignored)
    shutil.copytree(ROOT / "twisted", tmp_path / "twisted", ignore=ignored)
    modules = tmp_path / "vaultrelay/native/modules.py"
    one = re.sub(r"Final = \(.*\)", "Final = ()", modules.read_text())
    modules.write_text(one.replace("EVERYWHERE: Final = ()", 'EVERYWHERE: Final = ("data",)'))
    return tmp_path


def build(tree: Path, command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What setup.py does with the variables."""
    kept = {name: value for name, value in os.environ.items() if name != "BUILD_NATIVE"}
    return subprocess.run(
        [sys.executable, "setup.py", "--quiet", command, "--dist-dir", "dist"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
        env=kept | variables,
    )


def compiled(wheel: Path) -> list[str]:
    return [name for name in ZipFile(wheel).namelist() if name.endswith((".so", ".pyd", ".c"))]


@pytest.mark.compiled
def test_where_they_can_be_built_the_wheel_is_for_this_system(tree: Path) -> None:
    done = build(tree, "bdist_wheel", BUILD_NATIVE="require")
    assert done.returncode == 0, done.stderr
    (wheel,) = (tree / "dist").iterdir()
    assert not wheel.name.endswith("-none-any.whl")
    (twin,) = compiled(wheel)
    assert twin.startswith("vaultrelay/native/data.")
    # Later the compiler is gone: the old twin is not packed.
    wheel.unlink()
    assert build(tree, "bdist_wheel", CC="false").returncode == 0
    assert compiled(next((tree / "dist").iterdir())) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BUILD_NATIVE": "no"}, ""),
        ({"CC": "false"}, "setup.py: the compiled twins cannot be built, so the pure ones will"),
    ],
    ids=["unwanted", "no compiler"],
)
def test_elsewhere_it_is_for_all(tree: Path, variables: dict[str, str], said: str) -> None:
    done = build(tree, "bdist_wheel", **variables)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    (wheel,) = (tree / "dist").iterdir()
    assert (wheel.name.endswith("-py3-none-any.whl"), compiled(wheel)) == (True, [])


def test_a_twin_that_cython_refuses_does_not_stop_an_installation(tree: Path) -> None:
    with (tree / "vaultrelay/native/data.pyx").open("a") as source:
        source.write("cdef int number = = 3\n")
    assert build(tree, "bdist_wheel").returncode == 0
    assert compiled(next((tree / "dist").iterdir())) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"BUILD_NATIVE": "require", "CC": "false"},
            "setup.py: the compiled twins cannot be built",
        ),
        ({"BUILD_NATIVE": "yes"}, "setup.py: BUILD_NATIVE is 'yes', and must be no, require or "),
    ],
    ids=["required", "another word"],
)
def test_what_cannot_be_is_told(tree: Path, variables: dict[str, str], said: str) -> None:
    done = build(tree, "bdist_wheel", **variables)
    assert done.returncode != 0
    assert (said in done.stderr, "Traceback" in done.stderr) == (True, False)


def test_an_sdist_has_the_sources_and_no_c(tree: Path) -> None:
    assert build(tree, "sdist").returncode == 0
    with tarfile.open(next((tree / "dist").iterdir())) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    assert {"vaultrelay/native/data.pyx", "vaultrelay/native/built.pxi", "setup.py"} <= {*names}
    assert not [name for name in names if name.endswith((".c", ".so", ".pyd"))]
