"""Disks of tests."""

import os

_SHARED_MEMORY = "/dev/shm"  # noqa: S108
FAST_FOLDER = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
"""A folder for temporary files where an fsync costs nothing; None is the default."""
