"""NATS with its WebSocket listener: `python nats_relay.py PORT [CERTIFICATE KEY]`."""

import os
import shutil
import sys
from pathlib import Path

CONFIGURATION = """
listen: "127.0.0.1:-1"
websocket {{ listen: "127.0.0.1:{port}", compression: false, {security} }}
"""


def main(port: str, certificate: str = "", key: str = "") -> None:
    """Become the server that stands beside this Python, or on the path."""
    security = "no_tls: true"
    if key:
        security = f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}'
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise SystemExit("There is no nats-server.")
    # A file in memory, which the server inherits and nobody has to remove.
    file = os.memfd_create("nats.conf", 0)
    os.write(file, CONFIGURATION.format(port=port, security=security).encode())
    os.execv(program, [program, "--config", f"/proc/self/fd/{file}"])  # noqa: S606  our own program and arguments


if __name__ == "__main__":
    main(*sys.argv[1:])
