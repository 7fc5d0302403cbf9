"""MailboxCounters: what has happened since the start, for the metrics."""

from collections import Counter


class MailboxCounters:
    """The counts of one mailbox."""

    def __init__(self) -> None:
        self.puts: Counter[str] = Counter()
        """Answers to PUTs: "stored", "again", or the reason of the refusal."""
        self.gaps: Counter[str] = Counter()
        """Gaps that devices were told."""
        self.delivered_live = self.delivered_replay = 0
        """Items sent when they were stored, and read from the store."""
