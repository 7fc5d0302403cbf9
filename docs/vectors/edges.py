"""Decisions where two rules apply, where a time is too short, and where the relay is at fault."""

import json

from vectors.common import Json
from vectors.decision import (
    FIRST,
    LOST,
    UNANSWERED,
    WELCOME,
    Events,
    Wait,
    closed,
    decision,
    refused,
)

_STOP = closed(4000, "restart")
_REPLACED = closed(4509, "replaced")
_RATE = closed(4005, "rate;retry=30")
_ROOM = refused(503, "relay_full", "0")


def edges() -> list[Json]:
    """The order of the rules, the shortest times, and violations by the relay."""
    return [*order(), *shortest(), *violations()]


def _draining(low: int, high: int) -> Json:
    times = {"closes_in": 20, "reconnect": [low, high]}
    return {"event": "draining", "reason": "restart", **times}


def _violation(**fields: object) -> Json:
    """The relay sends a control message that violates the page."""
    return {"event": "violation", "text": json.dumps(fields, separators=(",", ":"))}


def order() -> list[Json]:
    """Ends to which two rows of Outcomes apply."""
    draining = _draining(100, 110)
    again = [WELCOME, draining, _REPLACED]
    found: list[tuple[str, str, Events, Wait]] = [
        (
            "drain-and-given-time",
            "draining, then a code with a time: the range of draining applies",
            [WELCOME, draining, _RATE],
            [100, 110],
        ),
        (
            "drain-and-replaced",
            "draining, then 4509: that of 4509 applies",
            [WELCOME, draining, _REPLACED],
            [30, 60],
        ),
        ("drain-and-replaced-twice", "draining, then 4509, twice", [*again, *again], None),
        (
            "drain-then-refused",
            "after the range of draining, the time of a refusal",
            [WELCOME, draining, _STOP, refused(503, "draining", "5")],
            [5, 7.5],
        ),
        (
            "drain-retry-of-4000",
            "a time in the reason of 4000 does not count",
            [WELCOME, closed(4000, "restart;retry=60")],
            [2, 12],
        ),
    ]
    return [decision(*each, "Outcomes") for each in found]


def shortest() -> list[Json]:
    """Times of the relay that would make a loop without a delay."""
    found: list[tuple[str, str, Events, Wait]] = [
        ("given-zero", "Retry-After: 0 counts as missing", [_ROOM], FIRST),
        ("given-zero-again", "Retry-After: 0, a second time", [_ROOM, _ROOM], [2, 4]),
        (
            "given-zero-by-code",
            "retry=0 counts as missing",
            [WELCOME, closed(4006, "relay_full;retry=0")],
            FIRST,
        ),
        ("given-zeros", "Retry-After: 000 is 0", [refused(429, "rate_limited", "000")], FIRST),
        (
            "given-leading-zeros",
            "Retry-After: 00010 is 10",
            [refused(429, "rate_limited", "00010")],
            [10, 15],
        ),
        (
            "drain-zero",
            "a range of 0 counts as 1 to 2",
            [WELCOME, _draining(0, 0), _STOP],
            [1, 2],
        ),
        (
            "drain-from-zero",
            "a range from 0 to 1 counts as 1 to 2",
            [WELCOME, _draining(0, 1), LOST],
            [1, 2],
        ),
    ]
    return [decision(*each, "Reconnecting") for each in found]


def violations() -> list[Json]:
    """The client fails the connection: what the relay sent violates the page."""
    reversed_range = _violation(type="draining", reason="restart", closes_in=20, reconnect=[12, 2])
    nobody = _violation(type="busy", session=0)
    draining = _draining(100, 110)
    found: list[tuple[str, str, Events]] = [
        ("violation", "a busy of session 0", [WELCOME, nobody]),
        ("violation-missing-field", "a left without session", [WELCOME, _violation(type="left")]),
        ("violation-reversed-range", "reconnect [12, 2]", [WELCOME, reversed_range]),
        ("violation-after-draining", "also after draining", [WELCOME, draining, nobody]),
        ("violation-later", "after an attempt that failed", [UNANSWERED, WELCOME, nobody]),
    ]
    return [
        decision(name, f"the relay violates the protocol: {about}", events, None, "Outcomes")
        for name, about, events in found
    ]
