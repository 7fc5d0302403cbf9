"""`make package-outdated` against a small mirror of the test's own, read by the real apt."""

import gzip
import hashlib
import runpy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging/outdated.py"
needs_apt = pytest.mark.skipif(
    shutil.which("apt-cache") is None or shutil.which("dpkg") is None, reason="needs apt and dpkg"
)
SOURCES = """\
# a comment
same 3.0.22-1~deb12u2 bookworm 00 00
in-security 3.0.22-1~deb12u2 bookworm 00 00
in-updates 3.0.22-1~deb12u2 bookworm 00
next-point-release 3.0.22-1~deb12u2 bookworm 00
epoch 3.0.22-1~deb12u2 bookworm 00
replaced 3.13.5-2+deb13u5 trixie 00
"""
MIRROR = {
    "bookworm": "same 3.0.20-1~deb12u2, in-security 3.0.22-1~deb12u2, "
    "next-point-release 3.0.23-1~deb12u1",
    "bookworm-updates": "same 3.0.17-1~deb12u2, in-updates 3.0.22-1~deb12u10, "
    "in-updates 3.0.22-1~deb12u2",
    "bookworm-security": "same 3.0.22-1~deb12u2, in-security 3.0.22-1~deb12u3, epoch 1:3.0.1-1",
    # What another suite has does not count.
    "trixie": "same 3.5.9-1~deb13u1, glibc 2.41-12+deb13u5",
    "trixie-updates": "zlib 1:1.3.dfsg+really1.3.1-1",
    "trixie-security": "glibc 2.41-12+deb13u3, replaced 3.13.5-2+deb13u6",
}
EXPECTED = {
    "same": "",
    "in-security": "3.0.22-1~deb12u3",
    "in-updates": "3.0.22-1~deb12u10",
    "next-point-release": "3.0.23-1~deb12u1",
    "epoch": "1:3.0.1-1",
    "replaced": "3.13.5-2+deb13u6",
}
"""The newer version of each source, if there is one."""


def mirror(folder: Path, listed: Mapping[str, str]) -> str:
    """The URL of a mirror with these sources in its suites."""
    for suite, versions in listed.items():
        release = (
            folder / ("debian-security" if "security" in suite else "debian") / "dists" / suite
        )
        index = release / "main/source/Sources"
        index.parent.mkdir(parents=True)
        index.write_text("".join(entry(*each.split()) for each in versions.split(", ")))
        digest = hashlib.sha256(index.read_bytes()).hexdigest()
        (release / "Release").write_text(
            f"Suite: {suite}\nCodename: {suite}\nComponents: main\nSHA256:\n"
            f" {digest} {index.stat().st_size} main/source/Sources\n"
        )
    return f"file:{folder}/debian"


def entry(name: str, version: str) -> str:
    """Of an index of sources."""
    dsc = f"{name}_{version.rpartition(':')[2]}.dsc"
    return (
        f"Package: {name}\nBinary: {name}\nVersion: {version}\nFormat: 3.0 (quilt)\n"
        f"Directory: pool/{name}\nChecksums-Sha256:\n {'0' * 64} 1 {dsc}\n\n"
    )


@pytest.fixture(scope="module")
def outdated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The script's names, with a list of sources of the test's."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "sources.txt").write_text(SOURCES)
    script = runpy.run_path(str(SCRIPT))
    script["debian_parts"].__globals__["HERE"] = folder
    return script


@pytest.fixture(scope="module")
def parts(outdated: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What it finds on the mirror, with two images whose C library is of different age."""
    folder = tmp_path_factory.mktemp("mirror")
    for machine, version in (("aarch64", "2.41-12+deb13u3"), ("x86_64", "2.41-12+deb13u5")):
        log = folder / f"roots/trixie-{machine}/usr/share/doc/libc6/changelog.Debian.gz"
        log.parent.mkdir(parents=True)
        log.write_bytes(gzip.compress(f"glibc ({version}) trixie; urgency=medium\n".encode()))
    return list(outdated["debian_parts"](mirror(folder, MIRROR), folder / "roots"))


@needs_apt
@pytest.mark.parametrize("name", EXPECTED)
def test_a_newer_version_in_any_part_of_the_suite_is_named(parts: list[Any], name: str) -> None:
    (part,) = (part for part in parts if part.name == name)
    newer = EXPECTED[name]
    assert ("packaging/sources.txt" in part.cure) == bool(newer)
    assert part.available == newer or not newer


@needs_apt
def test_it_reports_that_the_mirror_has_lost_a_version(parts: list[Any]) -> None:
    lost = {part.name for part in parts if "lost" in part.cure}
    assert lost == {"next-point-release", "epoch", "replaced"}


@needs_apt
def test_it_compares_the_c_library_of_each_image(parts: list[Any]) -> None:
    (old, new) = (part for part in parts if part.name == "glibc")
    assert (old.pinned, old.available) == ("2.41-12+deb13u3", "2.41-12+deb13u5")
    assert "trixie-aarch64, and make the package again" in old.cure
    assert new.cure == ""


@needs_apt
@pytest.mark.parametrize("url", ["file:/no/such/mirror", "http://127.0.0.1:1/debian"])
def test_a_mirror_that_does_not_answer_is_not_a_good_answer(
    outdated: dict[str, Any], tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.touch()
    monkeypatch.setitem(outdated["debian_parts"].__globals__, "KEYRING", str(key))
    with pytest.raises(outdated["NotAsked"], match=f"the mirror {url}: "):
        list(outdated["debian_parts"](url, tmp_path))


@pytest.mark.parametrize(
    ("cure", "problem", "status"),
    [("", "", 0), ("take it", "", 1), ("", "no route", 3), ("take it", "no route", 1)],
)
def test_the_exit_status_tells_outdated_from_not_asked(
    outdated: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    cure: str,
    problem: str,
    status: int,
) -> None:
    def none() -> list[object]:
        if problem:
            raise outdated["NotAsked"](problem)
        return []

    part = outdated["Part"]("openssl", "1", "2", "bookworm", cure)
    names = outdated["main"].__globals__
    monkeypatch.setitem(names, "debian_parts", lambda *_: [part])
    monkeypatch.setitem(names, "wheel_parts", none)
    monkeypatch.setitem(names, "advised_parts", none)
    assert outdated["main"](["roots"]) == status
    told = capsys.readouterr()
    assert "openssl" in told.out
    assert ("Outdated: openssl." in told.err) == bool(cure)
    assert ("Not asked: no route" in told.err) == bool(problem)
