"""The loads: what is sent, by how many, and how much of it at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """Messages of one size in groups of one sender and its receivers.

    `window` writes of a group may be under way; "one at a time" is a window of one write of one
    message. The window is the same for all servers, so that none has to buffer without end.
    """

    name: str
    title: str
    message_bytes: int
    per_write: int = 1
    window: int = 1
    groups: int = 100
    receivers: int = 1
    tls: bool = False
    quick: bool = True


LOADS = (
    Load("1k-flood", "1 KiB, 16 in each write", 1024, per_write=16, window=4),
    Load("1k", "1 KiB, one at a time", 1024),
    Load("64b-flood", "64 B, 200 in each write", 64, per_write=200, window=2),
    Load("64b", "64 B, one at a time", 64, quick=False),
    Load("64k-flood", "64 KiB, two under way", 65536, window=2, quick=False),
    Load("64k-four", "64 KiB, four under way", 65536, window=4, quick=False),
    Load("64k", "64 KiB, one at a time", 65536),
    Load("fan-out", "1 KiB to 50, 16 in each write", 1024, 16, window=4, groups=1, receivers=50),
    Load("fan-out-1", "1 KiB to 50, one at a time", 1024, groups=1, receivers=50, quick=False),
    Load("tls-1k", "TLS, 1 KiB, one at a time", 1024, tls=True),
    Load("tls-1k-flood", "TLS, 1 KiB, 16 in each write", 1024, 16, window=4, tls=True, quick=False),
    Load("tls-64k-four", "TLS, 64 KiB, four under way", 65536, window=4, tls=True, quick=False),
    Load("tls-64k", "TLS, 64 KiB, one at a time", 65536, tls=True),
)
