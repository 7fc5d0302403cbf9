"""The wheel: what a user installs has the command and the plugin in it."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.process.processes import WAIT_SECONDS, environment

ROOT = Path(__file__).parents[2]
BUILD = """
import sys
from setuptools.build_meta import build_wheel
print(build_wheel(sys.argv[1]))
"""
TWISTD = """
import sys
from twisted.scripts.twistd import run
sys.argv = ["twistd", "vault-relay", "--help"]
try:
    run()
finally:
    for name in ("twisted.plugins.vaultrelay_plugin", "vaultrelay.tap"):
        print(sys.modules[name].__file__)
"""


def test_the_plugin_works_from_an_installed_wheel(tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    copy_sources(source)
    name = run_in(source, "-c", BUILD, str(tmp_path)).splitlines()[-1]
    with ZipFile(tmp_path / name) as wheel:
        inside = set(wheel.namelist())
        wheel.extractall(site)
    # A package of that name would hide Twisted's own.
    assert not {"twisted/__init__.py", "twisted/plugins/__init__.py"} & inside
    assert not any(path.startswith(("tests/", "docs/")) for path in inside)
    told = run_in(tmp_path, "-P", "-c", TWISTD, PYTHONPATH=str(site))
    assert "--max-connections NUMBER" in told
    assert told.splitlines()[-2:] == [
        str(site / "twisted/plugins/vaultrelay_plugin.py"),
        str(site / "vaultrelay/tap.py"),
    ]


def copy_sources(target: Path) -> None:
    """What a wheel is made of, copied so that nothing is built beside the sources."""
    target.mkdir()
    for file in ("setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy(ROOT / file, target)
    for folder in ("vaultrelay", "twisted"):
        ignored = shutil.ignore_patterns("__pycache__", "dropin.cache")
        shutil.copytree(ROOT / folder, target / folder, ignore=ignored)


def run_in(folder: Path, *arguments: str, **variables: str) -> str:
    """What Python prints there, ending well."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_SECONDS,
    ).stdout
