"""Counters: what happened since the start, every loss by its reason."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counters:
    """Plain integers. What a live session relayed is added when it ends.

    The keys of the tables are our own slugs, never a peer's words, so they stay few. `closed` is by
    the relay, `left` by the device or the network.
    """

    joins: int = 0
    messages: int = 0
    bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    undelivered: Counter[str] = field(default_factory=Counter)
