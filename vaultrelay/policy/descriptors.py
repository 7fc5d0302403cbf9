"""Descriptors: the shares of devices and pending connections in the limit on open files."""

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
    """The numbers of devices and pending connections that the open files suffice for.

    `lacking` is the number of open files by which the limit is below the need of all devices.
    """

    devices: int
    waiting: int
    lacking: int = 0

    @property
    def waiting_per_address(self) -> int:
        """Return the limit on pending connections of one network address."""
        share = self.waiting // WAITING_PER_ADDRESS_SHARE
        return min(WAITING_PER_ADDRESS, max(share, LEAST_WAITING_PER_ADDRESS))


def files_needed(devices: int) -> int:
    """Return the open files that `devices` devices and all reserves need."""
    return devices + WAITING_CONNECTIONS + OTHER_FILES


def share_out(files: int | None, devices: int) -> Shares:
    """Return the shares of a process with a limit of `files` open files; None is no limit.

    Devices get the remainder, so the reserves grow only if all devices have room.
    """
    if files is None or files >= files_needed(devices):
        return Shares(devices, WAITING_CONNECTIONS)
    other = min(OTHER_FILES, max(files // OTHER_FILES_SHARE, LEAST_OTHER_FILES))
    waiting = min(WAITING_CONNECTIONS, max(files // WAITING_SHARE, files - other - devices))
    return Shares(
        max(1, min(devices, files - other - waiting)), waiting, files_needed(devices) - files
    )
