"""The values of one of several relays, for the terminal and the page, under NODE_HEADS."""

from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.web.units import number, size

NODE_HEADS = ("devices", "channels", "messages", "data", "undelivered")


def node_values(status: NodeStatus) -> list[str]:
    """Return a text for each of NODE_HEADS."""
    return [
        f"{number(status.devices)} of {number(status.devices_limit)}",
        number(status.channels),
        f"{number(status.messages_per_second)}/s",
        f"{size(status.data_bytes_per_second)}/s",
        number(status.undelivered),
    ]
