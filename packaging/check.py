"""Runs what ``make package`` made, as its users will; what it takes goes into docs/install.rst.

check.py ARCHIVE IMAGE ROOT…     ROOT: a plain system to run it in; as root
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import connections, generator, machine, meetings
from benchmarks.server_process import ServerProcess, free_port
from benchmarks.servers import RELAY, Server
from tests.certificates import issue, write_pair

BUILD = Path("build/package")
PAGE = Path("docs/install.rst")
NAME = "vaultmesh-relay"
FOLDER = f"opt/{NAME}"
NOBODY = 65532
DEVICES = 1000
MEMORY = "64m"
VARIABLES = "--env RELAY_MAX_PER_ADDRESS=0 --env RELAY_LOG_LEVEL=error"
STARTS = 5
PATIENCE = 60
MEGABYTE = 1e6
TESTS = ("tests/process", "-n", "2", "--deselect", "tests/process/test_clock_steps.py")
"""All that run the command. The clock's reach into it by PYTHONPATH, which the package ignores."""
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
"""For a machine on which nobody may raise the limits, and with old control groups."""


def run(*command: str | Path) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise SystemExit(f"{' '.join(map(str, command))}: ended with {done.returncode}")
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
        command = [*inside, "--port", "0", "--log-level", "error"]
        relay = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert relay.stdout is not None
        port = re.findall(r"\d+", relay.stdout.readline())[0]
        run(*inside, "--version")
        run(*inside, "check", f"ws://127.0.0.1:{port}")
        run(*inside, "healthcheck", "--port", port)
        run(*inside, "token", "new")
        relay.terminate()
        if relay.wait(PATIENCE):
            raise SystemExit(f"in {root.name} it ended with {relay.returncode}")
    finally:
        run("umount", root / "proc")
    passed(f"runs in {root.name}")


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


class Container(Server):
    """The image, as its page says to run it."""

    @contextmanager
    def running(self, certificate: tuple[Path, Path] | None) -> Iterator[ServerProcess]:
        files = certificate or ()
        port = free_port()
        flags = [
            f"--{flag}=/{file.name}"
            for flag, file in zip(("tls-cert", "tls-key"), files, strict=False)
        ]
        command = f"run --detach --publish 127.0.0.1:{port}:8080 --memory {MEMORY}"
        safety = "--read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges"
        mounts = [f"--volume={file.resolve()}:/{file.name}:ro" for file in files]
        name = podman(*f"{command} {safety} {VARIABLES}".split(), *mounts, *self.program, *flags)
        name = name.strip()
        try:
            time.sleep(1)
            podman("exec", name, "vault-relay", "healthcheck")
            if not files:
                podman("exec", name, "vault-relay", "check", "ws://127.0.0.1:8080")
            pid = podman("inspect", "--format", "{{.State.Pid}}", name)
            yield ServerProcess(int(pid), port)
            podman("stop", "--time", "30", name)
            ended = podman("inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", name)
            if ended.split() != ["0", "false"]:
                raise SystemExit(f"the container ended with {ended}")
        finally:
            podman("rm", "--force", name)


def podman(*arguments: str | Path) -> str:
    return run("podman", *arguments)


def prepare_podman(image: Path) -> None:
    """Install it, unless it is there, and give it the image."""
    if not shutil.which("podman"):
        run("apt-get", "-qq", "install", "--no-install-recommends", "podman", "runc", "iptables")
    containers = BUILD / "containers.conf"
    containers.write_text(CONTAINERS)
    os.environ["CONTAINERS_CONF"] = str(containers.resolve())
    podman("load", "--quiet", "--input", image)


def start_seconds(program: Path) -> float:
    """From exec to where it listens, in the middle of some starts."""
    taken = []
    for _ in range(STARTS):
        begun = time.monotonic()
        with Server("", "", meetings.in_a_channel, (str(program),), is_relay=True).running(None):
            taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def write(figures: dict[str, str]) -> None:
    """Put the figures into the page, in place of those of the last time."""
    lines = ["", ".. list-table::", ""]
    for name, value in figures.items():
        lines += [f"   * - {name}", f"     - {value}"]
    begin, end = ".. measured", ".. end of what was measured"
    before, _, rest = PAGE.read_text().partition(begin)
    PAGE.write_text(before + begin + "\n".join([*lines, "", end]) + rest.partition(end)[2])


def main(archive: Path, image: Path, *roots: Path) -> None:
    for root in roots:
        check_in(root, archive)
    if platform.machine() not in roots[0].name:
        return
    program = unpack(archive, BUILD)
    check_commands(program)
    prepare_podman(image)
    machine.prepare()
    package = Server(
        "", "", meetings.in_a_channel, (str(program.resolve()), *RELAY[1:]), is_relay=True
    )
    limits = ("--rate-bytes=0", "--rate-messages=0", "--max-connections=1100")
    container = Container("", "", meetings.in_a_channel, (f"{NAME}:latest", *limits), is_relay=True)
    with container.running(None):
        passed(f"the image answers, healthy, in {MEMORY} of memory")
    library = generator.build(BUILD)
    certificate = write_pair(BUILD, issue(("relay.test",)))
    for file in certificate:
        file.chmod(0o644)
    alone = connections.measure(package, True, DEVICES, library, certificate)
    connections.measure(container, True, DEVICES, library, certificate)
    passed(f"the image serves {DEVICES} TLS devices in {MEMORY} of memory")
    unpacked = sum(file.lstat().st_size for file in program.parent.rglob("*"))
    write(
        {
            "archive": f"{archive.stat().st_size / MEGABYTE:.1f} MB",
            "unpacked": f"{unpacked / MEGABYTE:.1f} MB",
            "image": f"{image.stat().st_size / MEGABYTE:.1f} MB",
            "start": f"{start_seconds(program):.2f} s",
            "memory, idle": f"{alone.memory[0] / MEGABYTE:.0f} MB",
            f"memory, {DEVICES} TLS devices": f"{alone.idle_bytes / MEGABYTE:.0f} MB",
            "after 64 KiB on each pair": f"{alone.memory_after_messages / MEGABYTE:.0f} MB",
        }
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
