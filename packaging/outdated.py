"""Reports parts of the packages that have a newer version with fixes.

    python packaging/outdated.py [--mirror URL] ROOTS

ROOTS: the folder of the Debian roots, with the C library of the image. Exit status: 1 if a part is
outdated, 3 if a mirror or an index did not answer.
"""

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LIBRARIES = {"glibc": "libc6", "zlib": "zlib1g", "ca-certificates": "ca-certificates"}
"""The sources from which the image has something, and a package of each."""
PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
OUTDATED, NOT_ASKED = 1, 3


class NotAsked(Exception):
    """A mirror or an index did not answer; the text has the reason."""


@dataclass(frozen=True)
class Part:
    """A version that goes into a package, and what its suite or index has."""

    name: str
    pinned: str
    available: str
    place: str
    cure: str = ""
    """Empty if it need not be replaced."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("roots", type=Path)
    parser.add_argument("--mirror", default=MIRROR)
    options = parser.parse_args(arguments)
    parts: list[Part] = []
    problems = []
    for ask in (
        lambda: debian_parts(options.mirror, options.roots),
        wheel_parts,
        advised_parts,
    ):
        try:
            parts += ask()
        except NotAsked as problem:
            problems.append(str(problem))
    for part in parts:
        note = f"OUTDATED: {part.cure}" if part.cure else "ok"
        print(f"{part.name:26} {part.pinned:32} {part.place} has {part.available:32} {note}")
    outdated = [part.name for part in parts if part.cure]
    if outdated:
        print(f"\nOutdated: {', '.join(outdated)}.", file=sys.stderr)
    for text in problems:
        print(f"\nNot asked: {text}", file=sys.stderr)
    return OUTDATED if outdated else NOT_ASKED if problems else 0


def run(*command: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run it; raises NotAsked if there is no such program."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603  our own commands
    except FileNotFoundError:
        raise NotAsked(f"there is no {command[0]} here; this runs on Debian and Ubuntu") from None


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


# Debian


def debian_parts(mirror: str, roots: Path) -> Iterator[Part]:
    """The sources that are built, and the C library in each root for an image."""
    lines = (HERE / "sources.txt").read_text().splitlines()
    sources = [line.split()[:3] for line in lines if line and not line.startswith("#")]
    taken = list(root_libraries(roots))
    names = [name for name, *_ in sources] + [name for name, *_ in taken]
    versions = suite_versions(mirror, {suite for _, _, suite in sources} | {"trixie"}, names)
    for name, pinned, suite in sources:
        available = newest(versions.get((name, suite), []))
        cure = "name it in packaging/sources.txt"
        if pinned not in versions.get((name, suite), []):
            cure += ", as the mirror has lost the old"
        yield Part(name, pinned, available, suite, cure if is_newer(available, pinned) else "")
    for name, pinned, root in taken:
        available = newest(versions.get((name, "trixie"), []))
        cure = f"rm -r {root}, and make the package again" if is_newer(available, pinned) else ""
        yield Part(name, pinned, available, "trixie", cure)


def root_libraries(roots: Path) -> Iterator[tuple[str, str, Path]]:
    """Source, version and root of what an image takes from Debian.

    From a changelog, as a root that was only unpacked has no list of packages.
    """
    for root in sorted(roots.glob("trixie-*/")):
        for source, package in LIBRARIES.items():
            for name in ("changelog.Debian.gz", "changelog.gz"):
                log = root / "usr/share/doc" / package / name
                begin = gzip.decompress(log.read_bytes())[:200].decode() if log.exists() else ""
                found = re.match(rf"{source} \((\S+)\)", begin)
                if found:
                    yield source, found[1], root


def suite_versions(
    mirror: str, suites: set[str], names: Sequence[str]
) -> dict[tuple[str, str], list[str]]:
    """The versions of each source in each suite, its updates and security updates among them."""
    with tempfile.TemporaryDirectory() as folder:
        apt = apt_options(mirror, suites, Path(folder))
        updated = run("apt-get", *apt, "--option=APT::Update::Error-Mode=any", "-qq", "update")
        if updated.returncode:
            raise NotAsked(f"the mirror {mirror}: {updated.stderr.strip().partition(chr(10))[0]}")
        listed = run("apt-cache", *apt, "madison", *names).stdout
    versions: dict[tuple[str, str], list[str]] = {}
    row = r"^ *(\S+) \| +(\S+) \| \S+ ([a-z]+)\S* Sources$"
    for name, version, suite in re.findall(row, listed, re.MULTILINE):
        versions.setdefault((name, suite), []).append(version)
    return versions


def apt_options(mirror: str, suites: set[str], folder: Path) -> list[str]:
    """Options by which apt knows the sources of these suites alone, and writes into the folder."""
    is_local = mirror.startswith("file:")
    if not is_local and not Path(KEYRING).exists():
        raise NotAsked("the keys of Debian are missing: apt install debian-archive-keyring")
    trust = "trusted=yes" if is_local else f"signed-by={KEYRING}"
    # apt reads it as a user without rights.
    folder.chmod(0o755)
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "sources.list").write_text(
        "".join(
            f"deb-src [{trust}] {mirror}{security} {suite}{part} main\n"
            for suite in sorted(suites)
            for security, part in (("", ""), ("", "-updates"), ("-security", "-security"))
        )
    )
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 30,
        # That user need not be able to read a local mirror.
        **({"APT::Sandbox::User": "root"} if is_local else {}),
    }
    return [f"--option={key}={value}" for key, value in options.items()]


def newest(versions: Sequence[str]) -> str:
    """The highest in Debian's order; empty if there is none."""
    found = ""
    for version in versions:
        if not found or is_newer(version, found):
            found = version
    return found


def is_newer(one: str, other: str) -> bool:
    return bool(one) and run("dpkg", "--compare-versions", one, "gt", other).returncode == 0


# Wheels


def wheel_pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((HERE / name).read_text()))


def wheel_parts() -> Iterator[Part]:
    """Each wheel, with the newest of the index; outdated by one of its own series alone.

    The series is all of a version but its last number, in which fixes come. Whether to take another
    series is for a person to decide.
    """
    pins = wheel_pins("requirements.txt") | wheel_pins("requirements-build.txt")
    series = {name: version.rpartition(".")[0] for name, version in pins.items()}
    available = index_versions([f"{name}=={series[name]}.*" for name in pins])
    anywhere = index_versions(list(pins))
    for name, pinned in pins.items():
        fixed, latest = available[normal(name)], anywhere[normal(name)]
        cure = f"take {fixed}, which is of the same series" if fixed != pinned else ""
        yield Part(name, pinned, latest, "the index", cure)


def index_versions(requirements: Sequence[str]) -> dict[str, str]:
    """What pip would take for the package's Python, by normal name."""
    with tempfile.TemporaryDirectory() as folder:
        done = run(
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--dry-run"),
            *("--quiet", "--ignore-installed", "--no-deps", "--only-binary=:all:", "--report=-"),
            *("--implementation=cp", "--python-version=3.13", f"--target={folder}"),
            *(f"--platform=manylinux_2_{minor}_x86_64" for minor in (28, 26, 24, 17)),
            *("--platform=manylinux2014_x86_64", *requirements),
        )
    if done.returncode:
        raise NotAsked(f"the package index does not answer pip: {last_line(done.stderr)}")
    found = [each["metadata"] for each in json.loads(done.stdout)["install"]]
    return {normal(each["name"]): each["version"] for each in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def advised_parts() -> Iterator[Part]:
    """The wheels with known weaknesses, from the advisories of PyPI."""
    for file in ("requirements.txt", "requirements-build.txt"):
        audit = ("--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json")
        done = run(sys.executable, "-m", "pip_audit", *audit, "--requirement", HERE / file)
        if not done.stdout.startswith("{"):
            raise NotAsked(f"the advisories of PyPI: {last_line(done.stderr)}")
        known = json.loads(done.stdout)["dependencies"]
        if all("skip_reason" in each for each in known):
            # A mirror of the index need not have them.
            print(f"PyPI's advisories on {file} are not on this index. Look there: https://osv.dev")
        for each in known:
            for weakness in each.get("vulns", ()):
                fixed = ", ".join(weakness["fix_versions"]) or "no version"
                cure = f"{weakness['id']} is fixed in {fixed}"
                yield Part(each["name"], each["version"], fixed, "PyPI's advice", cure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
