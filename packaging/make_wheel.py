"""Makes wheel and sdist, the same bytes from the same commit: python packaging/make_wheel.py DIST.

The wheel is the one for every system, without compiled twins. Needs setuptools and git. What is not
known to git goes into neither.
"""

import gzip
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(folder: Path) -> None:
    """Make both in `folder`, and print their names."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.absolute()
    # All times in them are that of the commit. The wheel takes it from here.
    epoch = os.environ.setdefault(
        "SOURCE_DATE_EPOCH", _git("log", "-1", "--format=%ct").decode().strip()
    )
    # And the permissions of what it makes itself, from whoever runs this.
    os.umask(0o022)
    os.environ["BUILD_NATIVE"] = "no"
    from setuptools import build_meta

    with tempfile.TemporaryDirectory() as source:
        _copy(Path(source))
        os.chdir(source)
        wheel = build_meta.build_wheel(str(folder))
        sdist = build_meta.build_sdist(str(folder))
        os.chdir(ROOT)
    _pack_again(folder / sdist, int(epoch))
    print(wheel, sdist, sep="\n")


def _git(*arguments: str) -> bytes:
    return subprocess.run(  # noqa: S603  our own words
        ["git", *arguments],  # noqa: S607  whichever git is installed
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout


def _copy(target: Path) -> None:
    """The files that git knows, as they are now; executable if git has them so."""
    for entry in _git("ls-files", "--stage", "-z").decode().split("\0"):
        facts, _, name = entry.partition("\t")
        if name and (ROOT / name).is_file():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((ROOT / name).read_bytes())
            path.chmod(0o755 if facts.startswith("100755") else 0o644)


def _pack_again(sdist: Path, epoch: int) -> None:
    """setuptools writes the time and the user into an sdist, in the order of the disk."""
    with tarfile.open(sdist) as packed:
        entries = sorted(packed.getmembers(), key=lambda entry: entry.name)
        contents = [packed.extractfile(entry) if entry.isfile() else None for entry in entries]
        with (
            sdist.with_suffix(".new").open("wb") as raw,
            gzip.GzipFile("", "wb", 9, raw, mtime=epoch) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as again,
        ):
            for entry, content in zip(entries, contents, strict=True):
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                entry.mtime, entry.pax_headers = epoch, {}
                entry.mode = 0o755 if entry.mode & 0o100 else 0o644
                again.addfile(entry, content)
    sdist.with_suffix(".new").replace(sdist)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
