"""Writes the image archive for ``docker load``: the package, and the C library of a Debian root.

    image.py PACKAGE ROOT ARCHIVE FOLDER

All files of the image go into FOLDER, too, as amd64.tar or arm64.tar, for packaging/Dockerfile.
The same package and root give the same bytes. Needs no container engine, and not to be root.
"""

import hashlib
import io
import json
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

USER = 65532
"""What other small images call nonroot."""
STATE = "var/lib/vault-relay"
"""For the mailbox, if there is one. A new volume that is mounted here takes its owner and mode. The
image declares none: an engine would then make one for each container without a mailbox, too."""
HOME = "usr/lib/vaultmesh-relay"
LIBRARIES = ("c.so.6", "m.so.6", "dl.so.2", "pthread.so.0", "rt.so.1", "util.so.1", "z.so.1")
NAME_LIBRARIES = ("resolv.so.2", "nss_files.so.2", "nss_dns.so.2")
"""For names of hosts, which `vault-relay check` looks up."""
NOTICES = {
    "Debian-libc6": "doc/libc6/copyright",
    "Debian-zlib": "doc/zlib1g/copyright",
    "Debian-ca-certificates": "doc/ca-certificates/copyright",
    "LGPL-2.1": "common-licenses/LGPL-2.1",
}
"""The licences of what comes from Debian, and where it has them."""
ARCHITECTURES = {
    "x86_64": ("amd64", "lib64/ld-linux-x86-64.so.2"),
    "aarch64": ("arm64", "lib/ld-linux-aarch64.so.1"),
}
"""The engines' name of each, and where its programs look for their loader."""
TAKEN = ("lib", "licences", "LICENSE")
"""Of the package. The rest is for other ways to run it; the launcher needs a shell."""
FILES = {
    "etc/passwd": f"root:x:0:0::/:/none\nvault-relay:x:{USER}:{USER}::/:/none\n",
    "etc/group": f"root:x:0:\nvault-relay:x:{USER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
SECOND = 10**9
"""In the nanoseconds in which engines count."""


class Layer:
    """The tar of an image's files, in the order in which they are put in."""

    def __init__(self, time: int) -> None:
        self._time = time
        self._data = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._data, mode="w", format=tarfile.GNU_FORMAT)  # noqa: SIM115  closed by finish()

    def put(self, name: str, data: bytes = b"", **attributes: Any) -> None:
        """A file, or what `attributes` make of it; root's by default."""
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = len(data), self._time, 0o644
        for attribute, value in attributes.items():
            setattr(member, attribute, value)
        self._tar.addfile(member, io.BytesIO(data))

    def folder(self, name: str, mode: int = 0o755, owner: int = 0) -> None:
        self.put(name, type=tarfile.DIRTYPE, mode=mode, uid=owner, gid=owner)

    def link(self, name: str, target: str) -> None:
        self.put(name, type=tarfile.SYMTYPE, linkname=target, mode=0o777)

    def finish(self) -> bytes:
        self._tar.close()
        return self._data.getvalue()


def layer_of(package: tarfile.TarFile, root: Path) -> tuple[bytes, str, int]:
    """The layer, the engines' name of its architecture, and the time of all that is in it."""
    time = int(next(iter(package)).mtime)
    triplet = next(path.name for path in (root / "usr/lib").glob("*-linux-gnu"))
    architecture, loader = ARCHITECTURES[triplet.partition("-")[0]]
    layer = Layer(time)
    folders = ("etc", "etc/ssl", "etc/ssl/certs", "lib", "lib64", f"lib/{triplet}")
    for folder in (*folders, "usr", "usr/lib", "usr/local", "usr/local/bin", "var", "var/lib"):
        layer.folder(folder)
    layer.folder("tmp", 0o1777)
    layer.folder(STATE, 0o700, USER)
    for name, text in FILES.items():
        layer.put(name, text.encode())
    layer.put("etc/ssl/certs/ca-certificates.crt", certificates(root))
    libraries = root / "usr/lib" / triplet
    layer.put(loader, (libraries / Path(loader).name).read_bytes(), mode=0o755)
    for name in LIBRARIES + NAME_LIBRARIES:
        layer.put(f"lib/{triplet}/lib{name}", (libraries / f"lib{name}").read_bytes(), mode=0o755)
    layer.link("usr/local/bin/vault-relay", f"/{HOME}/lib/vault-relay")
    for member in package:
        path = member.name.partition("/")[2]
        if path and path.partition("/")[0] not in TAKEN:
            continue
        file = package.extractfile(member)
        member.name = f"{HOME}/{path}".rstrip("/")
        layer.put(
            member.name,
            file.read() if file else b"",
            type=member.type,
            mode=member.mode,
            linkname=member.linkname,
        )
    for name, notice in NOTICES.items():
        layer.put(f"{HOME}/licences/{name}.txt", (root / "usr/share" / notice).read_bytes())
    return layer.finish(), architecture, time


def certificates(root: Path) -> bytes:
    """The authorities that Debian trusts, as one file."""
    files = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    return b"".join(file.read_bytes().rstrip() + b"\n" for file in files)


def configuration(layer: bytes, architecture: str, time: int) -> dict[str, Any]:
    """What an engine is to know of the image."""
    created = datetime.fromtimestamp(time, UTC).isoformat()
    return {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": ["/usr/local/bin/vault-relay"],
            "Env": ["PATH=/usr/local/bin"],
            "ExposedPorts": {"8080/tcp": {}},
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Healthcheck": {
                "Test": ["CMD", "vault-relay", "healthcheck"],
                "Interval": 30 * SECOND,
                "Timeout": 10 * SECOND,
                "StartPeriod": 5 * SECOND,
                "Retries": 3,
            },
            "Labels": {
                "org.opencontainers.image.title": "VaultMesh relay",
                "org.opencontainers.image.licenses": "MIT",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer)}"]},
        "history": [{"created": created, "created_by": "packaging/image.py"}],
    }


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(package_file: str, root: str, archive: str, folder: str) -> None:
    with tarfile.open(package_file) as package:
        layer, architecture, time = layer_of(package, Path(root))
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / f"{architecture}.tar").write_bytes(layer)
    config = json.dumps(configuration(layer, architecture, time), sort_keys=True).encode()
    names = {"config": f"{sha256(config)}.json", "layer": f"{sha256(layer)}.tar"}
    manifest = [
        {
            "Config": names["config"],
            "RepoTags": ["vaultmesh-relay:latest"],
            "Layers": [names["layer"]],
        }
    ]
    image = Layer(time)
    image.put(names["config"], config)
    image.put(names["layer"], layer)
    image.put("manifest.json", json.dumps(manifest).encode())
    Path(archive).write_bytes(image.finish())


if __name__ == "__main__":
    main(*sys.argv[1:])
