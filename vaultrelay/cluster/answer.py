"""NodeAnswer: what came of asking a relay for its status."""

from dataclasses import dataclass

from vaultrelay.cluster.status import NodeStatus
from vaultrelay.cluster.url import NodeUrl


@dataclass(frozen=True)
class NodeAnswer:
    """A status, or why there is none, in words."""

    url: NodeUrl
    status: NodeStatus | None
    why: str = ""


def late(url: NodeUrl, seconds: float) -> NodeAnswer:
    """The answer of a relay that has not answered in time."""
    return NodeAnswer(url, None, f"no answer within {seconds:g} s")
