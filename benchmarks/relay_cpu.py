"""CPU of the relay process for each message, of one or more source trees in turn.

    .venv/bin/python benchmarks/relay_cpu.py [TREE ...]

Twenty pairs of devices on loopback, relay on the first core, load on the second, no rates. Trees
are folders with a `vaultrelay` in them; without one, this tree is measured. Needs Linux.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.frames import BINARY, TEXT, client_frame, take_server_frame  # noqa: E402
from vaultrelay.websocket.frames import binary_frame  # noqa: E402
from vaultrelay.wire import base64url  # noqa: E402
from vaultrelay.wire.control import Hello  # noqa: E402
from vaultrelay.wire.data import HEADER_BYTES, pack_data  # noqa: E402
from vaultrelay.wire.proof import channel_of, join_body, sign_join  # noqa: E402

PAIRS = 20
RUNS = 3
START = """
import sys
sys.argv = ["vault-relay", "--port=0", "--bind=127.0.0.1", "--rate-bytes=0", "--rate-messages=0"]
from vaultrelay.commands import main
main()
"""
HEAD = (
    b"GET / HTTP/1.1\r\nHost: relay.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"X-VaultMesh-Protocol: 3\r\n\r\n"
)


@dataclass(frozen=True)
class Load:
    """Messages of one size, some of them in each write; `alone` waits for each to arrive."""

    name: str
    message_bytes: int
    per_write: int
    messages: int
    alone: bool = False


LOADS = (
    Load("1 KiB, flooding", 1024, 16, 60_000),
    Load("1 KiB, one per read", 1024, 1, 6_000, alone=True),
    Load("64 B, pipelined", 64, 200, 200_000),
    Load("64 KiB", 65536, 1, 4_000),
)


def join(port: int, seed: bytes, device: bytes) -> tuple[socket.socket, int]:
    """A joined device's socket and session number."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(HEAD)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    received = received.partition(b"\r\n\r\n")[2]
    while (taken := take_server_frame(received)) is None:
        received += connection.recv(65536)
    relay_nonce = base64url.decode(json.loads(taken[0].payload)["nonce"], 32)
    nonce, channel = secrets.token_bytes(16), channel_of(seed)
    proof = sign_join(seed, join_body(relay_nonce, nonce, channel, device, "relay.test"))
    hello = Hello(channel, device, nonce, "relay.test", proof)
    connection.sendall(client_frame(TEXT, hello.encode()))
    received = taken[1]
    while (taken := take_server_frame(received)) is None:
        received += connection.recv(65536)
    return connection, json.loads(taken[0].payload)["session"]


def drain(connection: socket.socket, size: int) -> None:
    """Read so many bytes."""
    buffer = bytearray(1 << 20)
    while size > 0:
        size -= connection.recv_into(buffer, min(size, len(buffer)))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(tree: Path, load: Load) -> float:
    """Microseconds of the relay's CPU for each message."""
    relay = subprocess.Popen(
        ["taskset", "-c", "0", sys.executable, "-c", START],  # noqa: S607
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
    )
    assert relay.stdout is not None  # noqa: S101
    port = int(relay.stdout.readline().split()[-1])
    pairs = []
    for index in range(1 if load.alone else PAIRS):
        seed = bytes([index]) * 32
        (sender, me), (receiver, to) = (join(port, seed, tag * 8) for tag in (b"A", b"B"))
        sender.recv(4096)
        message = pack_data(to, me, 1, bytes(load.message_bytes - HEADER_BYTES))
        pairs.append((sender, receiver, client_frame(BINARY, message) * load.per_write))
    out = len(binary_frame(message))
    rounds = load.messages // (load.per_write * len(pairs))
    before = cpu_seconds(relay.pid)
    if load.alone:
        sender, receiver, frames = pairs[0]
        for _ in range(rounds):
            sender.sendall(frames)
            drain(receiver, out)
    else:
        size = out * load.per_write * rounds
        readers = [threading.Thread(target=drain, args=(pair[1], size)) for pair in pairs]
        for reader in readers:
            reader.start()
        for _ in range(rounds):
            for sender, _, frames in pairs:
                sender.sendall(frames)
        for reader in readers:
            reader.join()
    spent = cpu_seconds(relay.pid) - before
    relay.terminate()
    for sender, receiver, _ in pairs:
        sender.close()
        receiver.close()
    relay.communicate()
    return 1e6 * spent / (rounds * load.per_write * len(pairs))


def main() -> None:
    """Print the lowest of the runs of each load, the trees in turn."""
    trees = [Path(name).resolve() for name in sys.argv[1:]] or [ROOT]
    os.sched_setaffinity(0, {1})
    for load in LOADS:
        runs = [[measure(tree, load) for tree in trees] for _ in range(RUNS)]
        for tree, *found in zip(trees, *runs, strict=True):
            print(f"{load.name:20} {tree.name:16} {min(found):7.1f} us", flush=True)


if __name__ == "__main__":
    main()
