"""LogSettings: the settings of the log."""

from dataclasses import dataclass

from twisted.logger import LogLevel

LEVELS = {
    "error": LogLevel.error,
    "warn": LogLevel.warn,
    "info": LogLevel.info,
    "debug": LogLevel.debug,
}
FORMATS = ("text", "json")


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """`level` is a key of LEVELS, `format` one of FORMATS, `addresses` one of naming.WAYS."""

    level: str = "info"
    format: str = "text"
    addresses: str = "pseudonym"
