"""Descriptors: how a limit on open files is shared between devices and pending connections."""

from dataclasses import dataclass

from vaultrelay.policy.limits import (
    LEAST_OTHER_FILES,
    LEAST_WAITING_PER_ADDRESS,
    OTHER_FILES,
    OTHER_FILES_SHARE,
    WAITING_CONNECTIONS,
    WAITING_PER_ADDRESS,
    WAITING_PER_ADDRESS_SHARE,
    WAITING_SHARE,
)


@dataclass(frozen=True)
class Shares:
    """How many devices and pending connections the open files suffice for.

    `lacking` is the number of open files by which the limit is below what all devices need.
    """

    devices: int
    waiting: int
    lacking: int = 0

    @property
    def waiting_per_address(self) -> int:
        """How many of the pending connections one network address may have."""
        share = self.waiting // WAITING_PER_ADDRESS_SHARE
        return min(WAITING_PER_ADDRESS, max(share, LEAST_WAITING_PER_ADDRESS))


def files_needed(devices: int) -> int:
    """Open files with which a relay for so many devices sets aside all that it would."""
    return devices + WAITING_CONNECTIONS + OTHER_FILES


def share_out(files: int | None, devices: int) -> Shares:
    """The shares of a process that may have so many files open; None is no limit.

    Devices have what remains, so what is set aside grows only where all of them have room.
    """
    if files is None or files >= files_needed(devices):
        return Shares(devices, WAITING_CONNECTIONS)
    other = min(OTHER_FILES, max(files // OTHER_FILES_SHARE, LEAST_OTHER_FILES))
    waiting = min(WAITING_CONNECTIONS, max(files // WAITING_SHARE, files - other - devices))
    return Shares(
        max(1, min(devices, files - other - waiting)), waiting, files_needed(devices) - files
    )
