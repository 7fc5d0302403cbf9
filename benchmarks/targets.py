"""The figures that the relay is to reach with its compiled half, by load.

Each is a measurement of a prototype on two shared cores of an AMD EPYC (2026-11-28, Python 3.11,
OpenSSL 3.0). On a slower machine compare columns instead.
"""

CPU_MICROSECONDS = {
    "1k-flood": 1.0,
    "1k": 12.8,
    "64b-flood": 0.36,
    "64k-four": 18.8,
    "fan-out": 0.50,
    "tls-1k": 15.3,
    "tls-1k-flood": 1.85,
    "tls-64k-four": 69.0,
    "tls-64k": 91.0,
    "join": 180.0,
    "tls-join": 511.0,
}
"""For each message, delivery of a broadcast, or join."""
MEMORY_MEGABYTES = {"tls-connections": (60.2, 61.7)}
"""Of the process with 1000 connections, idle and after 64 KiB on all pairs at once."""
