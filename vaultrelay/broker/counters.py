"""Counters: events since the start, with every loss by its reason."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counters:
    """Plain integers. The traffic of a session is added when it ends.

    The keys of the tables are our own slugs, never text of a peer, so they stay few. `closed`
    counts closes by the relay, `left` those by the device or the network.
    """

    joins: int = 0
    messages: int = 0
    bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    undelivered: Counter[str] = field(default_factory=Counter)
