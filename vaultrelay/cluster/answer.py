"""NodeAnswer: the result of a request for the status of a relay."""

from dataclasses import dataclass

from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.cluster.url import NodeUrl


@dataclass(frozen=True)
class NodeAnswer:
    """A status, or a text with the reason why there is none."""

    url: NodeUrl
    status: NodeStatus | None
    why: str = ""


def late(url: NodeUrl, seconds: float) -> NodeAnswer:
    """Return the answer for a relay that did not answer in time."""
    return NodeAnswer(url, None, f"no answer within {seconds:g} s")
