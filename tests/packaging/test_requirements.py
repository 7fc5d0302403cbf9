"""What the package is made of is what setup.cfg and the mailbox ask for."""

import re
from configparser import ConfigParser
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PINNED = re.compile(
    r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)

COMPILED = {"zope.interface", "autobahn", "PyNaCl", "cffi", "websockets", "pyinstaller"}
"""They have a wheel for each machine; all others have one for all."""
MACHINES = 2
NOT_TAKEN = {
    "cbor2",
    "cryptography",
    "flatbuffers",
    "msgpack",
    "packaging",
    "py-ubjson",
    "pycparser",
    "ujson",
}
"""What these ask for and the relay does not use, as autobahn's serializers."""
OF_THE_CLIENT = {"cryptography", "pyopenssl", "service-identity"}
"""TLS of the Python client, which is no part of the package: `check` has its own."""
OF_THE_PACKAGE = {
    "platform_python_implementation": "CPython",
    "python_version": "3.13",
    "extra": "",
}


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
    if (name := requirement.name.lower()) not in OF_THE_CLIENT:
        assert pins()[name] in requirement.specifier


def test_the_package_has_nothing_of_the_clients_tls() -> None:
    asked = {canonicalize_name(Requirement(line).name) for line in asked_for()}
    assert asked >= OF_THE_CLIENT, "they are dependencies of a wheel"
    assert not OF_THE_CLIENT & {canonicalize_name(pin) for pin in pins()}
    spec = (ROOT / "packaging/relay.spec").read_text()
    excluded = spec.split('unused = """')[1].partition('"""')[0]
    modules = {"OpenSSL", "cryptography", "service_identity", "vaultrelay.client.tls"}
    assert modules <= set(excluded.split())


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_every_pin_has_sums(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text()
    assert len(PINNED.findall(text)) == text.count("==") > 1


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_a_pin_has_a_sum_for_each_machine(name: str) -> None:
    """One wheel for all machines, or one for each."""
    text = (ROOT / "packaging" / name).read_text()
    for package, _, sums in PINNED.findall(text):
        expected = MACHINES if package in COMPILED else 1
        assert sums.count("--hash") == expected, package


@pytest.mark.parametrize("name", sorted(pins()))
def test_what_a_pin_asks_for_is_pinned_too(name: str) -> None:
    """For the Python and the machines of the package."""
    for line in requires(name) or ():
        requirement = Requirement(line)
        asked = canonicalize_name(requirement.name)
        if requirement.marker is None or requirement.marker.evaluate(OF_THE_PACKAGE):
            assert asked in {canonicalize_name(pin) for pin in pins()} | NOT_TAKEN, (
                f"{name}: {line}"
            )


def test_sqlite_is_one_without_the_fault_of_its_log() -> None:
    """Its releases from 3.7.0 to 3.51.2 can lose what a checkpoint writes."""
    text = (ROOT / "packaging/sources.txt").read_text()
    (version,) = re.findall(r"^sqlite3 ([\d.]+)-", text, re.MULTILINE)
    assert Version(version) >= Version("3.51.3")


def test_the_bundle_takes_wheels_by_their_sums_alone() -> None:
    script = (ROOT / "packaging/bundle.sh").read_text()
    assert script.count("-m pip ") == script.count("--require-hashes") == 1
    assert "--only-binary=:all:" in script
