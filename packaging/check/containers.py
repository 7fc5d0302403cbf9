"""The image in podman: loaded, run as its page says, and asked whether it is well."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import meetings
from benchmarks.server_process import ServerProcess, free_port
from benchmarks.servers import Server

NAME = "vaultmesh-relay:latest"
BUILT = "localhost/vaultmesh-relay-built"
STATE = "var/lib/vault-relay"
STATE_VOLUME = "vaultmesh-relay-check"
USER = 65532
FACTS = "[{{json .Config}}, {{json .HealthCheck}}, {{json .Architecture}}]"
SAFETY = "--read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges"
VARIABLES = "--env RELAY_MAX_PER_ADDRESS=0 --env RELAY_LOG_LEVEL=error"
STOP_SECONDS = 30
HEALTHY_SECONDS = 60
STEP_SECONDS = 0.2
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
"""For a machine on which nobody may raise the limits, and with old control groups."""


class Failed(SystemExit):
    """What did not go as it should, for the one who runs the check."""


def check_state_folder() -> None:
    """A new volume for the mailbox belongs to the relay's user, and to nobody else.

    Raises Failed if it does not.
    """
    volume = f"{STATE_VOLUME}:/{STATE}"
    try:
        podman("run", "--rm", *SAFETY.split(), "--volume", volume, NAME, "--version")
        where = podman("volume", "inspect", "--format", "{{.Mountpoint}}", STATE_VOLUME)
        found = Path(where).stat()
        if (found.st_uid, found.st_gid, found.st_mode & 0o777) != (USER, USER, 0o700):
            raise Failed(f"a new volume at /{STATE} has {found}")
    finally:
        podman("volume", "rm", "--force", STATE_VOLUME)


def check_mailbox() -> None:
    """The image keeps a mailbox in a volume, as compose.yaml has it. Raises Failed if not."""
    name = podman(
        *f"run --detach {SAFETY} --volume {STATE_VOLUME}:/{STATE}".split(),
        *(NAME, "--mailbox", f"/{STATE}", "--mailbox-open"),
    )
    try:
        _wait_until_healthy(name)
        told = podman("exec", name, "vault-relay", "check", "--json", "ws://127.0.0.1:8080")
        if "item_bytes" not in told:
            raise Failed(f"the image has no mailbox: {told}")
    finally:
        podman("rm", "--force", name)
        podman("volume", "rm", "--force", STATE_VOLUME)


def podman(*arguments: str | Path) -> str:
    """What podman prints; it must succeed."""
    done = subprocess.run(("podman", *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"podman {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def load_image(image: Path, folder: Path) -> None:
    """Give it to podman, whose configuration for this goes into the folder."""
    configuration = folder / "containers.conf"
    configuration.write_text(CONTAINERS)
    os.environ["CONTAINERS_CONF"] = str(configuration.resolve())
    podman("load", "--quiet", "--input", image)


def build_image(folder: Path, kind: str) -> None:
    """Build packaging/Dockerfile with the files in the folder.

    Raises Failed if it makes another image.
    """
    platform = "linux/" + {"x86_64": "amd64", "aarch64": "arm64"}[kind]
    dockerfile = ("--file", "packaging/Dockerfile", folder)
    podman(
        *f"build --quiet --format docker --platform {platform} --tag {BUILT}".split(), *dockerfile
    )
    told = [json.loads(podman("inspect", "--format", FACTS, name)) for name in (NAME, BUILT)]
    # What it was built by.
    told[1][0]["Labels"].pop("io.buildah.version", None)
    podman("rmi", BUILT)
    if told[0] != told[1]:
        raise Failed(f"packaging/Dockerfile gives {told[1]}, and packaging/image.py {told[0]}")


class Container(Server):
    """The image with these options, in so much memory."""

    def __init__(self, memory: str, *options: str) -> None:
        super().__init__("", "", meetings.in_a_channel, (NAME, *options), is_relay=True)
        self._memory = memory

    @contextmanager
    def running(self, certificate: tuple[Path, Path] | None) -> Iterator[ServerProcess]:
        files = certificate or ()
        port = free_port()
        flags = [
            f"--{flag}=/{file.name}"
            for flag, file in zip(("tls-cert", "tls-key"), files, strict=False)
        ]
        command = f"run --detach --publish 127.0.0.1:{port}:8080 --memory {self._memory}"
        mounts = [f"--volume={file.resolve()}:/{file.name}:ro" for file in files]
        name = podman(*f"{command} {SAFETY} {VARIABLES}".split(), *mounts, *self.program, *flags)
        try:
            _wait_until_healthy(name)
            if not files:
                podman("exec", name, "vault-relay", "check", "ws://127.0.0.1:8080")
            yield ServerProcess(_state(name)["Pid"], port)
            podman("stop", "--time", str(STOP_SECONDS), name)
            ended = _state(name)
            if ended["ExitCode"] or ended["OOMKilled"]:
                raise Failed(f"the container ended with {ended}")
        finally:
            podman("rm", "--force", name)


def _state(name: str) -> dict[str, int]:
    return dict(json.loads(podman("inspect", "--format", "{{json .State}}", name)))


def _wait_until_healthy(name: str) -> None:
    """Ask the relay inside, as its engine does."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    command = ("podman", "exec", name, "vault-relay", "healthcheck")
    while subprocess.run(command, capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise Failed(f"the container did not become healthy:\n{podman('logs', name)}")
        time.sleep(STEP_SECONDS)
