"""The figures of one of several relays, for the terminal and the page, under NODE_HEADS."""

from collections.abc import Iterator

from vaultrelay.cluster.status import NodeStatus
from vaultrelay.web.units import number, size

NODE_HEADS = ("devices", "channels", "messages", "data", "came back")


def node_values(status: NodeStatus) -> Iterator[str]:
    """Yield a text for each of NODE_HEADS."""
    yield f"{number(status.devices)} of {number(status.devices_limit)}"
    yield number(status.channels)
    yield f"{number(status.messages_per_second)}/s"
    yield f"{size(status.data_bytes_per_second)}/s"
    yield number(status.undelivered)
