"""Units: formats of numbers for people."""

_THOUSAND = 1000
_EXACT_BELOW = 10_000
_WHOLE_FROM = 100
_MINUTE, HOUR, DAY = 60, 3600, 86_400


def number(value: float) -> str:
    """Return a count or a rate as text: exact if small, else with k or M."""
    if value < _EXACT_BELOW:
        return _short(value)
    return _scaled(value, ("", " k", " M", " G", " T"))


def size(value: float) -> str:
    """Return a number of bytes as text."""
    return _scaled(value, (" B", " kB", " MB", " GB", " TB"))


def brief(seconds: float) -> str:
    """Return a short time as text, in milliseconds or seconds."""
    return f"{_short(seconds * 1000)} ms" if seconds < 1 else f"{_short(seconds)} s"


def lasting(seconds: float) -> str:
    """Return a long time as text, in its largest unit and the next."""
    whole = int(seconds)
    if whole >= DAY:
        return f"{whole // DAY} d {whole % DAY // HOUR} h"
    if whole >= HOUR:
        return f"{whole // HOUR} h {whole % HOUR // _MINUTE} min"
    return f"{whole // _MINUTE} min" if whole >= _MINUTE else f"{whole} s"


def _scaled(value: float, units: tuple[str, ...]) -> str:
    step = 0
    while value >= _THOUSAND and step < len(units) - 1:
        value /= _THOUSAND
        step += 1
    return _short(value) + units[step]


def _short(value: float) -> str:
    """Return a number as text with three digits, at most two after the point."""
    return f"{value:.0f}" if value >= _WHOLE_FROM else f"{round(value, 2):.3g}"
