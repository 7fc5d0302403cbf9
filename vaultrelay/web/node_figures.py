"""What is shown of one of several relays, on a terminal as on a page, under NODE_HEADS."""

from collections.abc import Iterator

from vaultrelay.cluster.status import NodeStatus
from vaultrelay.web.units import number, size

NODE_HEADS = ("devices", "channels", "messages", "data", "came back")


def node_figures(status: NodeStatus) -> Iterator[str]:
    """A text for each head."""
    yield f"{number(status.devices)} of {number(status.devices_limit)}"
    yield number(status.channels)
    yield f"{number(status.messages_per_second)}/s"
    yield f"{size(status.data_bytes_per_second)}/s"
    yield number(status.undelivered)
