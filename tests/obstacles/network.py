"""Two network namespaces and a path between them, which can be narrow, lossy or cut."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

RELAY_ADDRESS, DEVICE_ADDRESS = "192.0.2.1", "192.0.2.2"
"""Addresses for documentation: they lead nowhere, should anything leave the namespaces."""


def command(*words: str) -> bool:
    """Run a command of the system; whether it could do it."""
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@dataclass
class Path:
    """The relay's namespace, the device's, and what lies between."""

    relay: str
    device: str

    @property
    def at_relay(self) -> tuple[str, ...]:
        """What goes before a command, to run it in the relay's namespace."""
        return ("ip", "netns", "exec", self.relay)

    @property
    def at_device(self) -> tuple[str, ...]:
        """The same in the device's."""
        return ("ip", "netns", "exec", self.device)

    def narrow(self, rate: str) -> bool:
        """Let no more through, either way."""
        shape = ("root", "tbf", "rate", rate, "burst", "16kb", "latency", "50ms")
        return all(
            command(*side, "tc", "qdisc", "add", "dev", "path", *shape)
            for side in (self.at_relay, self.at_device)
        )

    def lose(self, part: float) -> bool:
        """Lose this part of the packets, either way."""
        some = ("-m", "statistic", "--mode", "random", "--probability", str(part))
        return all(
            command(*side, "iptables", "-A", "INPUT", *some, "-j", "DROP")
            for side in (self.at_relay, self.at_device)
        )

    def cut(self) -> bool:
        """Let nothing through any more, and tell nobody."""
        return command(*self.at_relay, "iptables", "-A", "INPUT", "-i", "path", "-j", "DROP") and (
            command(*self.at_relay, "iptables", "-A", "OUTPUT", "-o", "path", "-j", "DROP")
        )


@contextmanager
def path() -> Iterator[Path | None]:
    """A path of its own; None where this system or this user may have none."""
    made = Path(f"vmr{os.getpid()}", f"vmd{os.getpid()}")
    try:
        if all(command("ip", "netns", "add", name) for name in (made.relay, made.device)) and (
            _join(made)
        ):
            yield made
        else:
            yield None
    finally:
        for name in (made.relay, made.device):
            command("ip", "netns", "del", name)


def _join(made: Path) -> bool:
    ends = ("type", "veth", "peer", "name", "path", "netns", made.device)
    if not command("ip", "-n", made.relay, "link", "add", "path", *ends):
        return False
    sides = ((made.relay, RELAY_ADDRESS), (made.device, DEVICE_ADDRESS))
    return all(
        command("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "path")
        and command("ip", "-n", name, "link", "set", "path", "up")
        and command("ip", "-n", name, "link", "set", "lo", "up")
        for name, address in sides
    )
