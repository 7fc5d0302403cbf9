"""Magic Wormhole's transit relay: `python transit_relay.py PORT [CERTIFICATE KEY]`."""

import os
import sys
from pathlib import Path


def main(port: str, certificate: str = "", key: str = "") -> None:
    """Become the relay, with its WebSocket listener on that port."""
    websocket = f"tcp:{port}:interface=127.0.0.1"
    if key:
        websocket = f"ssl:{port}:certKey={certificate}:privateKey={key}:interface=127.0.0.1"
    twist = str(Path(sys.executable).with_name("twist"))
    arguments = ["--log-level=warn", "transitrelay", "--port=tcp:0:interface=127.0.0.1"]
    os.execv(twist, [twist, *arguments, f"--websocket={websocket}"])  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
