"""The image archive: what `docker load` reads."""

import hashlib
import io
import json
import runpy
import tarfile
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging/image.py"
TIME = 1_700_000_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An image of a package and a root that have one byte where others have files."""
    image = runpy.run_path(str(SCRIPT))
    root = tmp_path / "root"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    for name in (*image["LIBRARIES"], *image["NAME_LIBRARIES"]):
        (libraries / f"lib{name}").write_bytes(b"l")
    (libraries / "ld-linux-x86-64.so.2").write_bytes(b"l")
    for name in image["NOTICES"].values():
        (notice := root / "usr/share" / name).parent.mkdir(parents=True, exist_ok=True)
        notice.write_text("n")
    for name in ("b", "a"):
        (authority := root / f"usr/share/ca-certificates/{name}.crt").parent.mkdir(
            parents=True, exist_ok=True
        )
        authority.write_text(name)
    package = tmp_path / "package.tar.gz"
    with tarfile.open(package, "w:gz") as tar:
        for name in (
            "vault-relay",
            "lib/vault-relay",
            "lib/x.so",
            "licences/y",
            "LICENSE",
            "install.sh",
            "systemd/unit",
            "README.rst",
        ):
            member = tarfile.TarInfo(f"vaultmesh-relay/{name}")
            member.size, member.mtime, member.mode = 1, TIME, 0o755
            tar.addfile(member, io.BytesIO(b"p"))
    for name in ("first", "second"):
        image["main"](str(package), str(root), str(tmp_path / f"{name}.tar"), str(tmp_path / name))
    return tmp_path / "first.tar"


def parts(archive: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Manifest, configuration and layer."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        (manifest,) = json.loads(read("manifest.json"))
        return manifest, json.loads(read(manifest["Config"])), read(manifest["Layers"][0])


def test_the_same_package_gives_the_same_bytes(archive: Path) -> None:
    assert archive.read_bytes() == archive.with_name("second.tar").read_bytes()


def test_what_is_for_the_dockerfile_is_what_is_in_the_image(archive: Path) -> None:
    assert archive.with_name("first").joinpath("amd64.tar").read_bytes() == parts(archive)[2]


def test_an_engine_finds_what_the_manifest_names(archive: Path) -> None:
    manifest, config, layer = parts(archive)
    assert manifest["RepoTags"] == ["vaultmesh-relay:latest"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["architecture"] == "amd64"


def test_it_runs_the_relay_as_nobody_and_asks_how_it_is(archive: Path) -> None:
    told = parts(archive)[1]["config"]
    assert told["User"] == "65532:65532"
    assert told["Entrypoint"] == ["/usr/local/bin/vault-relay"]
    assert told["Healthcheck"]["Test"] == ["CMD", "vault-relay", "healthcheck"]


def test_the_layer_has_the_program_and_nothing_for_other_ways_to_run_it(archive: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(parts(archive)[2])) as layer:
        members = {member.name: member for member in layer}
        authorities = layer.extractfile("etc/ssl/certs/ca-certificates.crt")
        assert authorities is not None
        assert authorities.read() == b"a\nb\n"
    home = "usr/lib/vaultmesh-relay/"
    assert {name.removeprefix(home) for name in members if name.startswith(home)} == {
        "lib/vault-relay",
        "lib/x.so",
        "licences/y",
        "licences/Debian-libc6.txt",
        "licences/Debian-zlib.txt",
        "licences/Debian-ca-certificates.txt",
        "licences/LGPL-2.1.txt",
        "LICENSE",
    }
    assert members["usr/local/bin/vault-relay"].linkname == f"/{home}lib/vault-relay"
    assert members["tmp"].mode == 0o1777
    assert {member.mtime for member in members.values()} == {TIME}
    assert {name for name, member in members.items() if (member.uid, member.gid) != (0, 0)} == {
        "var/lib/vault-relay"
    }


def test_the_relay_alone_may_use_the_folder_of_its_mailbox(archive: Path) -> None:
    _, config, data = parts(archive)
    with tarfile.open(fileobj=io.BytesIO(data)) as layer:
        folder = layer.getmember("var/lib/vault-relay")
    assert folder.isdir()
    assert (f"{folder.uid}:{folder.gid}", folder.mode) == (config["config"]["User"], 0o700)
    assert "Volumes" not in config["config"]
