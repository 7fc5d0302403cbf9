"""Units: numbers as people read them."""

_THOUSAND = 1000
_EXACT_BELOW = 10_000
_WHOLE_FROM = 100
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def number(value: float) -> str:
    """A count or a rate: exact while it is small, with k or M beyond."""
    if value < _EXACT_BELOW:
        return _short(value)
    return _scaled(value, ("", " k", " M", " G", " T"))


def size(value: float) -> str:
    """Bytes."""
    return _scaled(value, (" B", " kB", " MB", " GB", " TB"))


def brief(seconds: float) -> str:
    """A short time: milliseconds, or seconds."""
    return f"{_short(seconds * 1000)} ms" if seconds < 1 else f"{_short(seconds)} s"


def lasting(seconds: float) -> str:
    """A long time: its largest unit and the next."""
    whole = int(seconds)
    if whole >= _DAY:
        return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
    if whole >= _HOUR:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _MINUTE} min" if whole >= _MINUTE else f"{whole} s"


def _scaled(value: float, units: tuple[str, ...]) -> str:
    step = 0
    while value >= _THOUSAND and step < len(units) - 1:
        value /= _THOUSAND
        step += 1
    return _short(value) + units[step]


def _short(value: float) -> str:
    """Three figures, and no more than two behind the point."""
    return f"{value:.0f}" if value >= _WHOLE_FROM else f"{round(value, 2):.3g}"
