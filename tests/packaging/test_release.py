"""What goes beside the packages: notes, the list of what is in them, sums and their signature."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.process.processes import WAIT_SECONDS
from vaultrelay import __version__

ROOT = Path(__file__).parents[2]
FILES = {
    "vaultmesh-relay/lib/libpython3.13.so.1.0": b"...\x003.13.5\0...",
    "vaultmesh-relay/lib/libcrypto.so.3": b"..OpenSSL 3.0.22 1 Jan 2026",
    "vaultmesh-relay/lib/lib-dynload/_sqlite3.cpython-313-x86_64-linux-gnu.so": b"\x013.53.4\0..",
    "vaultmesh-relay/licences/Sources.txt": b"openssl 3.0.22-1, with Debian's patches: a b\n"
    b"sqlite3 3.53.4-2, with Debian's patches: cross.patch\n"
    b"python3.13 3.13.5-2, with Debian's patches: CVE-2026-0672.patch\n",
}
UNPATCHED = b"openssl 3.0.22-1, without Debian's patches\n"
SBOM: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "metadata": {},
    "components": [{"bom-ref": "line-1", "name": "Twisted", "version": "26.10.0"}],
    "dependencies": [{"ref": "line-1"}],
}


def release(
    folder: Path, files: dict[str, bytes], *options: str
) -> "subprocess.CompletedProcess[str]":
    """What release.py makes in `folder`, of an archive with these files."""
    archive = folder / "relay.tar.gz"
    pack(archive, files)
    sbom = folder.with_suffix(".json")
    sbom.write_text(json.dumps(SBOM))
    return subprocess.run(
        [sys.executable, ROOT / "packaging/release.py", folder, sbom, archive, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )


def pack(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    return folder


def test_notes_are_this_versions_part_of_the_changelog(dist: Path) -> None:
    assert release(dist, FILES).stderr == ""
    said = (dist / "release-notes.rst").read_text()
    assert said.startswith(f"VaultMesh relay {__version__}")
    for line in said.splitlines()[3:]:
        assert line in (ROOT / "CHANGELOG.rst").read_text()


def test_the_list_has_what_comes_from_no_package_index_too(dist: Path) -> None:
    release(dist, FILES)
    listed = json.loads((dist / "vaultmesh-relay.cdx.json").read_text())
    versions = {its["name"]: its.get("version") for its in listed["components"]}
    assert versions == {
        "Twisted": "26.10.0",
        "python": "3.13.5",
        "openssl": "3.0.22",
        "sqlite": "3.53.4",
        "libsodium": None,
    }
    notes = {its["name"]: its.get("pedigree", {}).get("notes", "") for its in listed["components"]}
    assert notes["openssl"] == "Debian's source 3.0.22-1, with Debian's patches: a b"
    assert "CVE-2026-0672" in notes["python"]
    assert notes["sqlite"] == "Debian's source 3.53.4-2, with Debian's patches: cross.patch"
    assert listed["metadata"]["component"]["version"] == __version__
    (tree,) = listed["dependencies"]
    assert set(tree["dependsOn"]) == {its["bom-ref"] for its in listed["components"]}


def test_a_package_that_does_not_tell_what_is_in_it_stops_the_release(dist: Path) -> None:
    done = release(dist, dict.fromkeys(FILES, b""))
    assert done.returncode == 1
    assert "does not contain its openssl, python, sqlite" in done.stderr
    assert not (dist / "checksums.txt").exists()


@pytest.mark.parametrize("where", ["vaultmesh-relay-linux-arm64.tar.gz", "relay.tar.gz"])
def test_an_archive_without_debians_fixes_stops_the_release(dist: Path, where: str) -> None:
    """That of another kind of machine, too; for a trial it is good enough."""
    files = dict(FILES)
    unpatched = files | {
        "vaultmesh-relay/licences/Sources.txt": UNPATCHED + b"python3.13 1, with\nsqlite3 3, with\n"
    }
    if where == "relay.tar.gz":
        files = unpatched
    else:
        pack(dist / where, unpatched)
    done = release(dist, files)
    assert done.returncode == 1
    assert f"{where} is for tests, not for a release: openssl is in" in done.stderr
    assert not (dist / "checksums.txt").exists()
    assert release(dist, files, "--trial").returncode == 0


def test_an_archive_that_does_not_tell_its_sources_stops_the_release(dist: Path) -> None:
    files = {name: content for name, content in FILES.items() if "Sources" not in name}
    assert "has no vaultmesh-relay/licences/Sources.txt" in release(dist, files).stderr


def test_the_same_input_gives_the_same_bytes(dist: Path) -> None:
    release(dist, FILES)
    first = {path.name: path.read_bytes() for path in dist.iterdir()}
    # Left over from the release before.
    (dist / "checksums.txt.sig").write_text("old")
    release(dist, FILES)
    (dist / "checksums.txt.sig").unlink()
    assert {path.name: path.read_bytes() for path in dist.iterdir()} == first


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_finds_what_was_changed(dist: Path) -> None:
    release(dist, FILES)

    def check() -> int:
        command = ["sha256sum", "--check", "--strict", "--quiet", "checksums.txt"]
        return subprocess.run(command, cwd=dist, check=False, capture_output=True).returncode

    assert check() == 0
    assert len((dist / "checksums.txt").read_text().splitlines()) == 3
    (dist / "release-notes.rst").write_text("other")
    assert check() == 1
