"""The Debian package, of an archive that has one line where others have a program."""

import os
import runpy
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS
from vaultrelay import __version__

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    package = tmp_path / "vaultmesh-relay"
    for name in ("vault-relay", "lib/x.so", "licences/OpenSSL.txt"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("GLIBC_2.30\n")
    run(ROOT / "packaging/documents.sh", package)
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(ROOT / "packaging" / name, package)
    shutil.copytree(ROOT / "systemd", package / "systemd")
    with tarfile.open(tmp_path / "relay.tar.gz", "w:gz") as tar:
        tar.add(package, "vaultmesh-relay")
    return tmp_path / "relay.tar.gz"


def build(archive: Path, name: str, umask: int = 0o022, **environment: str) -> Path:
    """The package, made by somebody with this umask and environment."""
    deb = archive.with_name(name)
    run(
        ROOT / "packaging/deb/build.sh",
        archive,
        "x86_64",
        deb,
        umask=umask,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **environment},
    )
    return deb


def run(
    *command: str | Path, umask: int = -1, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        umask=umask,
        env=env,
        check=True,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )


def test_whoever_makes_it_gets_the_same_bytes(archive: Path) -> None:
    ours = build(archive, "ours.deb")
    # A folder takes more room on a disk than in memory.
    theirs = build(archive, "theirs.deb", 0o077, TZ="Asia/Tokyo", TMPDIR="/dev/shm")  # noqa: S108
    assert ours.read_bytes() == theirs.read_bytes()


def test_it_says_what_it_needs_and_what_it_has(archive: Path, tmp_path: Path) -> None:
    deb = build(archive, "relay.deb")
    fields = run("dpkg-deb", "--field", deb).stdout
    assert f"Version: {__version__}\n" in fields
    assert "Depends: libc6 (>= 2.30)," in fields
    run("dpkg-deb", "--raw-extract", deb, tmp_path / "raw")
    assert (tmp_path / "raw/DEBIAN/conffiles").read_text() == "/etc/vault-relay/environment\n"
    sums = (tmp_path / "raw/DEBIAN/md5sums").read_text()
    assert "usr/lib/vaultmesh-relay/vault-relay\n" in sums
    unit = (tmp_path / "raw/usr/lib/systemd/system/vault-relay.service").read_text()
    assert "ExecStart=/usr/bin/vault-relay\n" in unit
    doc = tmp_path / "raw/usr/share/doc/vaultmesh-relay"
    assert "licences/OpenSSL.txt" in (doc / "copyright").read_text()
    assert (doc / "licences/OpenSSL.txt").exists()
    assert (doc / "changelog.gz").exists()
    assert (doc / "systemd/port-443.conf").exists()
    assert runpy.run_path(str(ROOT / "packaging/check/links.py"))["broken_links"](doc) == []
    home = tmp_path / "raw/usr/lib/vaultmesh-relay"
    assert {path.name for path in home.iterdir()} == {"lib", "vault-relay"}
