"""Writes what goes beside the packages of a release.

    python packaging/release.py DIST SBOM ARCHIVE [--trial]

Release notes from the changelog; the list of what is in the package, to which SBOM lacks what no
package index has; and the sums of all. The same input gives the same bytes. An archive in which
something lacks Debian's security fixes is refused, unless it is a trial.
"""

import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SUMS = "checksums.txt"

_NATIVE = {
    "python": (r"lib/libpython[^/]*\.so", rb"\0(3\.\d+\.\d+)\+?\0", "python:python", "python3.13"),
    "openssl": (r"lib/libcrypto\.so", rb"OpenSSL (3\.\d+\.\d+)", "openssl:openssl", "openssl"),
    "sqlite": (r"/_sqlite3\.[^/]*so$", rb"(3\.\d+\.\d+)\0", "sqlite:sqlite", "sqlite3"),
}
"""What the package has beside Python packages: the file that it is in, the pattern of its version,
the names of vendor and product under which its weaknesses are listed, and that of its source."""
SOURCES = "vaultmesh-relay/licences/Sources.txt"
UNPATCHED = ", without Debian's patches"
"""Both as packaging/python.sh writes them."""


def main(dist: Path, sbom: Path, archive: Path, *, trial: bool) -> None:
    """Write them all; the sums come last."""
    for each in (archive, *dist.glob("*-linux-*.tar.gz")):
        unpatched = [name for name, origin in sources(each).items() if origin.endswith(UNPATCHED)]
        if unpatched and not trial:
            raise SystemExit(
                f"release.py: {each} is for tests, not for a release: {', '.join(unpatched)} is in "
                "it without Debian's security fixes. packaging/sources.txt has the cure"
            )
    version = _found(r'^__version__ = "(.*)"$', (ROOT / "vaultrelay/__init__.py").read_text())
    (dist / "release-notes.rst").write_text(notes((ROOT / "CHANGELOG.rst").read_text(), version))
    listed = complete(json.loads(sbom.read_text()), version, natives(archive), sources(archive))
    (dist / "vaultmesh-relay.cdx.json").write_text(json.dumps(listed, indent=1) + "\n")
    (dist / SUMS).write_text(sums(dist))


def notes(changelog: str, version: str) -> str:
    """What the changelog says of one version."""
    found = re.search(
        rf"^({re.escape(version)}( .*)?)\n-+\n\n?(.*?)(?=^\S[^\n]*\n--+\n|\Z)",
        changelog,
        re.DOTALL | re.MULTILINE,
    )
    if found is None:
        raise SystemExit(f"release.py: CHANGELOG.rst has no section {version}")
    title = f"VaultMesh relay {found[1]}"
    return f"{title}\n{'=' * len(title)}\n\n{found[3].strip()}\n"


def natives(archive: Path) -> dict[str, str]:
    """The versions of what is in the archive and comes from no package index."""
    versions = {}
    with tarfile.open(archive) as package:
        for entry in package:
            for name, (file, version, *_) in _NATIVE.items():
                content = package.extractfile(entry) if re.search(file, entry.name) else None
                found = content and re.search(version, content.read())
                if found:
                    versions[name] = found[1].decode()
    missing = set(_NATIVE) - set(versions)
    if missing:
        raise SystemExit(f"release.py: {archive} does not contain its {', '.join(sorted(missing))}")
    return versions


def sources(archive: Path) -> dict[str, str]:
    """The version of each source that was built for the archive, and the patches in it."""
    with tarfile.open(archive) as package:
        listed = package.extractfile(SOURCES) if SOURCES in package.getnames() else None
        if listed is None:
            raise SystemExit(f"release.py: {archive} has no {SOURCES}")
        return dict(line.split(" ", 1) for line in listed.read().decode().splitlines())


def complete(
    sbom: dict[str, Any], version: str, found: dict[str, str], origins: dict[str, str]
) -> dict[str, Any]:
    """The list of Python packages with all that is in the package, and what it is the list of."""
    sbom["metadata"]["component"] = {
        "type": "application",
        "bom-ref": "vaultmesh-relay",
        "name": "vaultmesh-relay",
        "version": version,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    for name, its in sorted(found.items()):
        sbom["components"].append(
            {
                "type": "library",
                "bom-ref": name,
                "name": name,
                "version": its,
                "cpe": f"cpe:2.3:a:{_NATIVE[name][2]}:{its}:*:*:*:*:*:*:*",
                # The patches show which weaknesses of this version are fixed.
                "pedigree": {"notes": f"Debian's source {origins[_NATIVE[name][3]]}"},
            }
        )
    sbom["components"].append(
        {
            "type": "library",
            "bom-ref": "libsodium",
            "name": "libsodium",
            "description": "Part of PyNaCl, whose version determines it; it has none of its own.",
        }
    )
    refs = [component["bom-ref"] for component in sbom["components"]]
    sbom["dependencies"] = [{"ref": "vaultmesh-relay", "dependsOn": refs}]
    return sbom


def sums(dist: Path) -> str:
    """A line for each file, as ``sha256sum --check`` reads them."""
    files = sorted(path for path in dist.iterdir() if not path.name.startswith(SUMS))
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"release.py: nothing fits {pattern}")
    return found[1]


if __name__ == "__main__":
    files = [Path(argument) for argument in sys.argv[1:] if argument != "--trial"]
    main(*files, trial="--trial" in sys.argv)
