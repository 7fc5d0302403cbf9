"""A decision: a row of outcomes, and what the client does after the last one."""

from vectors.common import Json

Events = list[Json]
Wait = list[float] | None

LOST: Json = {"event": "lost"}
UNANSWERED: Json = {"event": "unanswered"}
WELCOME: Json = {"event": "welcome"}
FIRST: Wait = [1, 2]


def decision(
    name: str, about: str, events: Events, wait: Wait, section: str, level: str = "must"
) -> Json:
    """One vector."""
    return {
        "name": name,
        "level": level,
        "section": section,
        "about": about,
        "events": events,
        "action": "stop" if wait is None else "reconnect",
        "wait": wait,
    }


def closed(code: int, reason: str = "", after: float = 0) -> Json:
    """The relay closes a session; a code of 0 is the end without a close."""
    event = {**LOST} if not code else {"event": "closed", "code": code, "reason": reason}
    return {**event, "after": after} if after else event


def refused(status: int, error: str, retry_after: str | None = None) -> Json:
    """The relay refuses the upgrade."""
    headers: Json = {} if retry_after is None else {"Retry-After": retry_after}
    return {"event": "refused", "status": status, "error": error, "headers": headers}
