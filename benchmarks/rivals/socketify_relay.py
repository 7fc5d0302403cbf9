"""A relay on socketify, which is uWebSockets: `python socketify_relay.py PORT [CERTIFICATE KEY]`.

Devices that open the same path are in one room, and get what the others of it send.
"""

import sys
from typing import Any

from socketify import App, AppListenOptions, AppOptions  # type: ignore[import-not-found]

MESSAGE_BYTES = 1 << 20
BACKLOG_BYTES = 64 << 20
"""Above which a message to a receiver would be dropped: never, in the benchmarks."""


def upgrade(answer: Any, request: Any, context: Any) -> None:
    """Learn the room."""
    answer.upgrade(
        request.get_header("sec-websocket-key"),
        request.get_header("sec-websocket-protocol"),
        request.get_header("sec-websocket-extensions"),
        context,
        request.get_url(),
    )


def main(port: str, certificate: str = "", key: str = "") -> None:
    """Serve until a signal."""
    app = App(AppOptions(cert_file_name=certificate, key_file_name=key) if key else None)
    app.ws(
        "/*",
        {
            "compression": 0,
            "max_payload_length": MESSAGE_BYTES,
            "max_backpressure": BACKLOG_BYTES,
            "idle_timeout": 0,
            "upgrade": upgrade,
            "open": lambda device: device.subscribe(device.get_user_data()),
            "message": lambda device, message, opcode: device.publish(
                device.get_user_data(), message, opcode
            ),
        },
    )
    app.listen(AppListenOptions(port=int(port), host="127.0.0.1"), lambda _: None)
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
