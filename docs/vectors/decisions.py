"""Decisions: a row of outcomes in, what the client does after the last one out."""

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
from vectors.drains import drains, replacements
from vectors.edges import edges

_RECONNECTING, _CODES, _REFUSALS = "Reconnecting", "Close codes", "Refusals"
_HTML = "<html><title>Sign in</title></html>"
_CLOSES: list[tuple[int, str, Wait]] = [
    (1000, "", FIRST),
    (1001, "", FIRST),
    (1011, "", FIRST),
    (1012, "", FIRST),
    (1013, "", FIRST),
    (1014, "", FIRST),
    (3000, "", FIRST),
    (4000, "restart", [2, 12]),
    (4002, "ping_timeout", FIRST),
    (4003, "hello_timeout;rule=no_hello", FIRST),
    (4004, "slow;rule=unread", FIRST),
    (4005, "rate;retry=30", [30, 45]),
    (4006, "relay_full;retry=60", [60, 90]),
    (4007, "memory;retry=60", [60, 90]),
    (4008, "internal;ref=a1b2c3", FIRST),
    (4009, "resync", FIRST),
    (4042, "weather", FIRST),
    (4499, "", FIRST),
    (1002, "", None),
    (1003, "", None),
    (1007, "", None),
    (1008, "", None),
    (1009, "", None),
    (1010, "", None),
    (4500, "protocol", None),
    (4501, "bad_message;rule=nonce_length", None),
    (4502, "too_big;limit=1048576", None),
    (4503, "proof;rule=signature", None),
    (4504, "audience;rule=other_audience", None),
    (4506, "not_allowed", None),
    (4507, "channel_full", None),
    (4510, "kicked", None),
    (4542, "weather", None),
    (4999, "", None),
]
"""Codes, reasons, and the delays after them."""


def decisions() -> list[Json]:
    """What a client decides. `wait` is a range of seconds; `after` the length of a session."""
    ends = [*back_off(), *refusals(), *answers_of_others(), *codes()]
    return [*ends, *drains(), *replacements(), *edges()]


def back_off() -> list[Json]:
    """The delay without a time of the relay."""
    found: list[tuple[str, str, Events, Wait]] = [
        ("back-off-1", "the first attempt", [UNANSWERED], FIRST),
        ("back-off-2", "the second attempt", [UNANSWERED] * 2, [2, 4]),
        ("back-off-3", "the third attempt", [UNANSWERED] * 3, [4, 8]),
        ("back-off-5", "the fifth attempt", [UNANSWERED] * 5, [16, 32]),
        ("back-off-at-most-60", "the eighth attempt", [UNANSWERED] * 8, [30, 60]),
        ("lost", "the connection breaks", [WELCOME, LOST], FIRST),
        (
            "short-session",
            "a session of less than a minute raises the delay as well",
            [WELCOME, closed(0, after=10), WELCOME, closed(0, after=10)],
            [2, 4],
        ),
        (
            "short-sessions-between-failures",
            "nor does a short session lower it",
            [UNANSWERED, UNANSWERED, WELCOME, closed(0, after=50)],
            [4, 8],
        ),
        (
            "session-of-a-minute",
            "after a session of a minute the delays begin anew",
            [UNANSWERED, UNANSWERED, UNANSWERED, WELCOME, closed(0, after=61)],
            FIRST,
        ),
        (
            "given-time-counts",
            "an attempt after a time of the relay counts as well",
            [refused(503, "draining", "5"), UNANSWERED],
            [2, 4],
        ),
    ]
    return [
        decision(name, about, events, wait, _RECONNECTING) for name, about, events, wait in found
    ]


def refusals() -> list[Json]:
    """Refusals of a relay, or of a load balancer in its form."""
    given: list[tuple[str, int, str, str | None, Wait]] = [
        ("rate-limited", 429, "rate_limited", "60", [60, 90]),
        ("relay-full-of-peers", 429, "relay_full", "10", [10, 15]),
        ("relay-full", 503, "relay_full", "60", [60, 90]),
        ("overloaded", 503, "overloaded", "2", [2, 3]),
        ("draining", 503, "draining", "5", [5, 7.5]),
        ("request-timeout", 408, "request_timeout", None, FIRST),
        ("unknown-error", 503, "elsewhere", "7", [7, 10.5]),
        ("unknown-error-without-time", 503, "elsewhere", None, FIRST),
        ("internal-error", 500, "internal", None, FIRST),
        ("too-long", 503, "relay_full", "100000", [3600, 5400]),
        ("fraction", 503, "relay_full", "40.5", FIRST),
        ("date", 503, "relay_full", "Sun, 29 Nov 2026 12:00:00 GMT", FIRST),
        ("400", 400, "bad_request", None, None),
        ("401", 401, "token_required", None, None),
        ("403-address", 403, "address_not_allowed", None, None),
        ("403-origin", 403, "origin_not_allowed", None, None),
        ("404", 404, "not_found", None, None),
        ("405", 405, "method_not_allowed", None, None),
        ("426", 426, "protocol_unsupported", None, None),
        ("431", 431, "head_too_large", None, None),
    ]
    return [
        decision(
            f"refusal-{name}",
            f"a refusal with {status} {error}, "
            + (f"Retry-After: {seconds}" if seconds else "without Retry-After"),
            [refused(status, error, seconds)],
            wait,
            _REFUSALS,
        )
        for name, status, error, seconds, wait in given
    ]


def answers_of_others() -> list[Json]:
    """Answers of something that is not a relay."""
    found: list[tuple[str, str, int, Json, Wait]] = [
        ("captive-portal", "a page instead of the relay", 200, {}, None),
        ("redirect", "a redirect, which is not followed", 302, {"Location": "/elsewhere"}, None),
        ("page-404", "a web server without a relay", 404, {}, None),
        ("page-403", "a web server that forbids", 403, {}, None),
        ("page-502", "a proxy without its relay", 502, {}, FIRST),
        ("page-503", "a proxy that has no relay at present", 503, {}, FIRST),
        ("page-504", "a proxy whose relay does not answer", 504, {}, FIRST),
        ("page-500", "a proxy that has a fault", 500, {}, FIRST),
        ("page-429", "a proxy that limits rates", 429, {}, FIRST),
        ("page-503-with-time", "a proxy that gives a time", 503, {"Retry-After": "7"}, [7, 10.5]),
    ]
    return [
        decision(
            name,
            about,
            [{"event": "refused", "status": status, "body": _HTML, "headers": headers}],
            wait,
            _REFUSALS,
        )
        for name, about, status, headers, wait in found
    ]


def codes() -> list[Json]:
    """Close codes, those of the table and others."""
    found = [
        decision(f"close-{code}", f"a close with {code} {reason}".strip(), events, wait, _CODES)
        for code, reason, wait in _CLOSES
        for events in [[WELCOME, closed(code, reason)]]
    ]
    reasons: list[tuple[str, int, str, Wait]] = [
        ("close-retry-of-unknown-code", 4042, "weather;retry=20", [20, 30]),
        ("close-retry-after-unknown-key", 4005, "rate;mood=good;retry=12", [12, 18]),
        ("close-retry-too-long", 4006, "relay_full;retry=99999", [3600, 5400]),
        ("close-retry-of-final-code", 4506, "not_allowed;retry=5", None),
        ("close-retry-no-number", 4006, "relay_full;retry=soon", FIRST),
    ]
    found += [
        decision(
            name, f"a close with {code} {reason}", [WELCOME, closed(code, reason)], wait, _CODES
        )
        for name, code, reason, wait in reasons
    ]
    about = "a close with 4001 idle after a minute: at once, or by the back-off"
    idle, soon = [[WELCOME, closed(4001, "idle", after)] for after in (61, 0)]
    return [
        *found,
        decision("close-4001", about, idle, [0, 2], _CODES, "should"),
        decision("close-4001-soon", "a close with 4001 at once", soon, FIRST, _CODES, "should"),
    ]
