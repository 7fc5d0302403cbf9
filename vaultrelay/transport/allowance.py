"""Allowance: what a stream may read while the memory for messages is full."""

from typing import Protocol

from vaultrelay.policy.limits.pending import HEAD_BYTES


class Allowance(Protocol):
    """The permission of one stream, which its protocol gives."""

    @property
    def bytes_allowed(self) -> int:
        """The size of the next read; with 0 the stream waits until memory is freed."""


class _Head:
    """Allows a request head, whose size its reader limits."""

    bytes_allowed = HEAD_BYTES


HEAD_ALLOWANCE = _Head()
