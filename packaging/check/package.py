"""Runs what ``make package`` made, as its users will; what it takes goes to figures.py.

package.py MACHINE ARCHIVE IMAGE ROOT…     ROOT: a plain system of that kind to run it in; as root

What is for another kind of machine than this one is emulated, so its speed and memory say nothing.
"""

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from containers import (
    Container,
    Failed,
    build_image,
    check_mailbox,
    check_state_folder,
    load_image,
)
from links import broken_links

from benchmarks import connections, generator, machine, meetings
from benchmarks.servers import RELAY, Server
from tests.authority import issue, write_pair

BUILD = Path("build/package")
NAME = "vaultmesh-relay"
FOLDER = f"opt/{NAME}"
SMOKE = "packaging/check/smoke.py"
PROBE = Path("packaging/check/sqlite_probe.py")
SQLITE_WITH = {"DQS=0", "OMIT_LOAD_EXTENSION", "THREADSAFE=1"}
SQLITE_WITHOUT = {"ENABLE_FTS3", "ENABLE_FTS4", "ENABLE_FTS5", "ENABLE_RTREE"}
NOBODY = 65532
DEVICES = 1000
MEMORY = "64m"
MEMORY_TO_EMULATE = "256m"
STARTS = 5
MEGABYTE = 1e6
HANGING = "test_a_file_that_hangs_stops_neither_messages_nor_the_end"
TESTS = (
    *("tests/process", "-n", "2", "--deselect", "tests/process/test_clock_steps.py"),
    *("--deselect", f"tests/process/test_reload.py::{HANGING}"),
)
"""All that run the command. These reach into it by PYTHONPATH, which the package ignores."""


def run(*command: str | Path) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise Failed(f"{' '.join(map(str, command))}: ended with {done.returncode}")
    return done.stdout


def passed(what: str) -> None:
    print(f"ok    {what}", flush=True)


def unpack(archive: Path, folder: Path) -> Path:
    """The program of the package, unpacked there anew."""
    shutil.rmtree(folder / NAME, ignore_errors=True)
    run("tar", "-xf", archive, "-C", folder)
    return folder / NAME / "vault-relay"


def check_in(root: Path, archive: Path) -> None:
    """Start it in another system, by a user without rights, and ask it with its own commands."""
    unpack(archive, root / "opt")
    inside = ("chroot", f"--userspec={NOBODY}:{NOBODY}", str(root), f"/{FOLDER}/vault-relay")
    run("mount", "-t", "proc", "proc", root / "proc")
    try:
        said = run(sys.executable, SMOKE, "--root", root, *inside)
        version = check_database(root / FOLDER, inside)
    finally:
        run("umount", root / "proc")
    if "(native)" not in said.splitlines()[0]:
        raise Failed(f"{root.name}: the package does not use its compiled twins: {said}")
    passed(f"runs in {root.name}, on compiled twins, and opens a database of SQLite {version}")


def check_database(folder: Path, command: Sequence[str]) -> str:
    """Let the program open a database; returns the version of SQLite.

    No command prints it, and a relay without a mailbox does not load it. So the probe is a plugin,
    which Twisted imports when it looks for an endpoint of an unknown kind. A relay
    with a mailbox is run by smoke.py.
    """
    probe = shutil.copy(PROBE, folder / "lib/twisted/plugins")
    asked = (*command, "config", "check", "--listen", "unknown:1")
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    Path(probe).unlink()
    said = re.search(r"^sqlite (\S+) wal 1 ciphertext (.*)$", done.stdout, re.MULTILINE)
    if said is None:
        raise Failed(f"{folder} opened no database: {done.stdout}{done.stderr}")
    version, options = said[1], set(said[2].split())
    if f"sqlite3 {version}-" not in Path("packaging/sources.txt").read_text():
        raise Failed(f"{folder} has SQLite {version}, which packaging/sources.txt does not list")
    if SQLITE_WITH - options or options & SQLITE_WITHOUT:
        raise Failed(f"{folder} has an SQLite with these options: {said[2]}")
    return version


def check_installer(root: Path, archive: Path) -> None:
    """Let install.sh and uninstall.sh work in another system, as root, twice each."""
    run("packaging/check/installer.sh", root, archive)
    passed(f"is installed and removed in {root.name}")


def check_documents(folder: Path) -> None:
    """All that the documents lead to must be there."""
    broken = broken_links(folder)
    if broken:
        raise Failed(f"{folder}: {', '.join(broken)}")
    passed("the documents lead to one another")


def check_sources(folder: Path) -> None:
    """The archive lists the sources in it, at the versions of packaging/sources.txt."""
    listed = (folder / "licences/Sources.txt").read_text()
    for line in Path("packaging/sources.txt").read_text().splitlines():
        if not line.startswith("#") and f"{' '.join(line.split()[:2])}, with" not in listed:
            raise Failed(f"{folder}/licences/Sources.txt does not list {line}:\n{listed}")
    passed(
        "lists its sources: " + ", ".join(re.findall(r"^.*Debian's patches", listed, re.MULTILINE))
    )


def check_copy(program: Path) -> None:
    """The program without its folder must report that."""
    alone = BUILD / "alone"
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    copy = shutil.copy(program, alone)
    done = subprocess.run((copy, "--version"), capture_output=True, text=True, check=False)
    if done.returncode != 2 or "without the rest of its folder" not in done.stderr:  # noqa: PLR2004  the status of a failed start
        raise Failed(f"{copy} ended with {done.returncode}: {done.stdout}{done.stderr}")
    passed("a copy of the program alone reports what is missing")


def check_commands(program: Path) -> None:
    """The tests of the relay's processes, with this program as theirs."""
    folder = BUILD / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "vault-relay").symlink_to(program.resolve())
    (folder / "twistd").symlink_to(Path(sys.executable).parent.resolve() / "twistd")
    os.environ["VAULT_RELAY_BIN"] = str(folder.resolve())
    said = run(sys.executable, "-m", "pytest", *TESTS)
    passed(f"as a command: {said.strip().splitlines()[-1]}")


def check_image(memory: str) -> None:
    """Whether the image answers, is healthy, and stops when it is told to."""
    with Container(memory).running(None):
        passed(f"the image answers, healthy, in {memory} of memory")


def check_load(program: Path) -> dict[str, str]:
    """What the package takes with many devices, and whether they all fit into a small container."""
    machine.prepare()
    command = (str(program.resolve()), *RELAY[1:])
    package = Server("", "", meetings.in_a_channel, command, is_relay=True)
    limits = ("--rate-bytes=0", "--rate-messages=0", f"--max-connections={DEVICES + 100}")
    library = generator.build(BUILD)
    certificate = write_pair(BUILD, issue(("relay.test",)))
    for file in certificate:
        file.chmod(0o644)
    alone = connections.measure(package, True, DEVICES, library, certificate)
    connections.measure(Container(MEMORY, *limits), True, DEVICES, library, certificate)
    passed(f"the image serves {DEVICES} TLS devices in {MEMORY} of memory")
    return {
        "memory, idle": megabytes(alone.memory[0], 0),
        f"memory, {DEVICES} TLS devices": megabytes(alone.idle_bytes, 0),
        "after 64 KiB on each pair": megabytes(alone.memory_after_messages, 0),
    }


def start_seconds(program: Path) -> float:
    """From exec to where it listens, in the middle of some starts."""
    taken = []
    for _ in range(STARTS):
        begun = time.monotonic()
        with Server("", "", meetings.in_a_channel, (str(program),), is_relay=True).running(None):
            taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def megabytes(size: float, digits: int = 1) -> str:
    return f"{size / MEGABYTE:.{digits}f} MB"


def main(kind: str, archive: Path, image: Path, *roots: Path) -> None:
    for root in roots:
        check_in(root, archive)
        check_installer(root, archive)
    program = unpack(archive, BUILD)
    check_documents(program.parent)
    check_sources(program.parent)
    check_copy(program)
    about, today = machine.description(), datetime.now(UTC).date()
    figures = {
        "measured": f"{today}, {about['cores']} cores of an {about['processor']}",
        "archive": megabytes(archive.stat().st_size),
        "unpacked": megabytes(sum(file.lstat().st_size for file in program.parent.rglob("*"))),
        "image": megabytes(image.stat().st_size),
    }
    load_image(image, BUILD)
    build_image(BUILD / "image", kind)
    passed("packaging/Dockerfile gives the same image")
    check_state_folder()
    passed("a new volume for the mailbox belongs to the relay")
    if kind == platform.machine():
        check_commands(program)
        check_image(MEMORY)
        check_mailbox()
        passed("the image keeps a mailbox in a volume")
        figures |= {"start": f"{start_seconds(program):.2f} s", **check_load(program)}
    else:
        check_image(MEMORY_TO_EMULATE)
    (BUILD / f"figures-{kind}.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
