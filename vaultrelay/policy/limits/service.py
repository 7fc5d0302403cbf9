"""Intervals for the service manager."""

STATUS_SECONDS = 15
"""Between two reports of the number of devices to systemd, if it has no watchdog interval.
People read it in systemctl status."""
