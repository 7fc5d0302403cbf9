"""Descriptors: the shares of devices and pending connections in the limit on open files."""

from dataclasses import dataclass

from vaultrelay.policy.limits.descriptors import (
    MIN_OTHER_FILES,
    OTHER_FILES,
    OTHER_FILES_SHARE,
    PENDING_FILES_SHARE,
)
from vaultrelay.policy.limits.pending import (
    MIN_PENDING_PER_ADDRESS,
    PENDING_CONNECTIONS,
    PENDING_PER_ADDRESS,
    PENDING_PER_ADDRESS_SHARE,
)


@dataclass(frozen=True)
class Shares:
    """The numbers of devices and pending connections that the open files suffice for.

    `lacking` is the number of open files by which the limit is below the need of all devices.
    """

    devices: int
    waiting: int
    lacking: int = 0

    @property
    def pending_per_address(self) -> int:
        """Return the limit on pending connections of one network address."""
        share = self.waiting // PENDING_PER_ADDRESS_SHARE
        return min(PENDING_PER_ADDRESS, max(share, MIN_PENDING_PER_ADDRESS))


def files_needed(devices: int) -> int:
    """Return the open files that `devices` devices and all reserves need."""
    return devices + PENDING_CONNECTIONS + OTHER_FILES


def share_out(files: int | None, devices: int) -> Shares:
    """Return the shares of a process with a limit of `files` open files; None is no limit.

    Devices get the remainder, so the reserves grow only if all devices have room.
    """
    if files is None or files >= files_needed(devices):
        return Shares(devices, PENDING_CONNECTIONS)
    other = min(OTHER_FILES, max(files // OTHER_FILES_SHARE, MIN_OTHER_FILES))
    waiting = min(PENDING_CONNECTIONS, max(files // PENDING_FILES_SHARE, files - other - devices))
    return Shares(
        max(1, min(devices, files - other - waiting)), waiting, files_needed(devices) - files
    )
