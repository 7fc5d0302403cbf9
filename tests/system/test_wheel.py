"""Wheel and sdist: what a user installs has command and plugin in it, and leaves nothing."""

import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.process.processes import WAIT_SECONDS, environment

ROOT = Path(__file__).parents[2]
SITE = Path(pytest.__file__).parents[1]
"""Where the relay's libraries are: the tests install none."""
TWISTD = """
import sys
from twisted.scripts.twistd import run
sys.argv = ["twistd", "vault-relay", "--help"]
try:
    run()
finally:
    for name in ("twisted.plugins.vaultrelay_plugin", "vaultrelay.app.lean_plugin"):
        print(sys.modules[name].__file__)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheel and sdist."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs git: what it does not know goes into neither")
    folder = tmp_path_factory.mktemp("made")
    run(sys.executable, ROOT / "packaging/make_wheel.py", folder)
    return folder


def run(*command: str | Path, cwd: Path = ROOT, umask: int = -1, **variables: str) -> str:
    """What a command prints, ending well."""
    kept = {name: text for name, text in environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
        umask=umask,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> Iterator[str]:
    """All files in it but what Python and Twisted keep for the next time."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "dropin.cache" and path.suffix != ".pyc":
            yield str(path.relative_to(folder))


def test_an_installed_wheel_works_and_uninstalled_leaves_nothing(
    made: Path, tmp_path: Path
) -> None:
    (wheel,) = made.glob("*.whl")
    inside = set(ZipFile(wheel).namelist())
    # A package of that name would hide Twisted's own.
    assert not {"twisted/__init__.py", "twisted/plugins/__init__.py"} & inside
    assert {name.partition("/")[0] for name in inside if ".dist-info" not in name} == {
        "twisted",
        "vaultrelay",
    }

    home = tmp_path / "venv"
    venv.create(home)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(str(SITE))
    before = set(files(home))
    pip = (sys.executable, "-m", "pip", "--python", home / "bin/python", "--quiet")
    run(*pip, "install", "--no-index", "--no-deps", "--ignore-installed", wheel)
    try:
        assert run(home / "bin/vault-relay", "--version").startswith("vault-relay ")
        told = run(home / "bin/python", "-P", "-c", TWISTD, cwd=tmp_path)
        assert "--max-connections NUMBER" in told
        assert told.splitlines()[-2:] == [
            str(site / "twisted/plugins/vaultrelay_plugin.py"),
            str(site / "vaultrelay/app/lean_plugin.py"),
        ]
    finally:
        # Not what the path file shows of elsewhere.
        (site / "libraries.pth").write_text("")
        run(*pip, "uninstall", "--yes", "vaultmesh-relay")
    (site / "libraries.pth").write_text(str(SITE))
    assert set(files(home)) == before


def test_the_sdist_has_what_a_packager_needs(made: Path) -> None:
    (sdist,) = made.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        inside = {entry.name.partition("/")[2] for entry in packed if entry.isfile()}
    assert {
        "setup.cfg",
        "pyproject.toml",
        "LICENSE",
        "README.rst",
        "CHANGELOG.rst",
        "systemd/vault-relay.service",
        "docs/vault-relay.1",
        "twisted/plugins/vaultrelay_plugin.py",
        "vaultrelay/py.typed",
    } <= inside


def test_the_sdist_has_the_tests_and_what_they_read(made: Path) -> None:
    """All that git knows, but for what serves the repository alone."""
    (sdist,) = made.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        inside = {entry.name.partition("/")[2] for entry in packed if entry.isfile()}
    known = run("git", "ls-files", cwd=ROOT).splitlines()
    missing = {name for name in known if (ROOT / name).is_file()} - inside
    assert {name for name in missing if not name.startswith(".git")} == set()


def test_both_are_the_same_bytes_whoever_makes_them(made: Path, tmp_path: Path) -> None:
    run(sys.executable, ROOT / "packaging/make_wheel.py", tmp_path, umask=0o077, TZ="Asia/Tokyo")
    for one in made.iterdir():
        assert (tmp_path / one.name).read_bytes() == one.read_bytes(), one.name
    assert len(list(made.iterdir())) == 2
