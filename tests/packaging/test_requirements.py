"""What the package is made of is what setup.cfg asks for."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PINNED = re.compile(
    r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def asked_for() -> list[str]:
    """The lines of install_requires."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config["options"]["install_requires"].split()


def pins() -> dict[str, Version]:
    """The versions in the package, by small name."""
    text = (ROOT / "packaging/requirements.txt").read_text()
    return {name.lower(): Version(version) for name, version, _ in PINNED.findall(text)}


@pytest.mark.parametrize("line", asked_for())
def test_the_package_has_a_version_in_the_range(line: str) -> None:
    requirement = Requirement(line)
    assert pins()[requirement.name.lower()] in requirement.specifier


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_every_pin_has_sums(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text()
    assert len(PINNED.findall(text)) == text.count("==") > 1
