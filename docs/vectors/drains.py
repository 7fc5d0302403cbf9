"""Decisions after a drain, and after 4509."""

from vectors.common import Json
from vectors.decision import LOST, UNANSWERED, WELCOME, Events, Wait, closed, decision


def drains() -> list[Json]:
    """A relay that is about to stop."""
    window = {"event": "draining", "closes_in": 20, "reconnect": [20, 30]}
    draining: Json = {**window, "reason": "restart"}
    unknown: Json = {**window, "reason": "weather"}
    stop, full, slow = closed(4000, "restart"), closed(4507, "channel_full"), closed(4004, "slow")
    found: list[tuple[str, str, Events, Wait]] = [
        ("drain", "draining, then its close", [WELCOME, draining, stop], [20, 30]),
        ("drain-unknown-reason", "an unknown reason", [WELCOME, unknown, stop], [20, 30]),
        ("drain-lost", "draining, then no close", [WELCOME, draining, LOST], [20, 30]),
        ("drain-final", "draining, then a final code", [WELCOME, draining, full], None),
        ("drain-other-code", "draining, then another code", [WELCOME, draining, slow], [20, 30]),
        (
            "drain-once",
            "its window is for one attempt",
            [WELCOME, draining, stop, UNANSWERED],
            [2, 4],
        ),
        (
            "drain-of-an-earlier-session",
            "nor is it valid for the next session",
            [WELCOME, draining, stop, WELCOME, stop],
            [2, 12],
        ),
    ]
    return [decision(name, about, events, wait, "Draining") for name, about, events, wait in found]


def replacements() -> list[Json]:
    """4509, the one code with one retry."""
    replaced = closed(4509, "replaced")
    later = closed(4509, "replaced", after=700)
    found: list[tuple[str, str, Events, Wait]] = [
        ("replaced", "one retry", [WELCOME, replaced], [30, 60]),
        ("replaced-twice", "twice", [WELCOME, replaced, WELCOME, replaced], None),
        (
            "replaced-twice-in-ten-minutes",
            "twice, with another end between",
            [WELCOME, replaced, WELCOME, closed(4002, "ping_timeout"), WELCOME, replaced],
            None,
        ),
        (
            "replaced-after-ten-minutes",
            "again, but later than ten minutes",
            [WELCOME, replaced, WELCOME, later],
            [30, 60],
        ),
    ]
    return [
        decision(name, f"4509 {about}", events, wait, "Replaced sessions")
        for name, about, events, wait in found
    ]
