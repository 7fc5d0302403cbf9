"""Cases from the decision vectors: what a client does after a row of outcomes.

The vectors are those of `decisions` in docs/vectors.json; `docs/make_vectors.py` writes both.
"""

from collections.abc import Mapping
from typing import Any

_SHOWN = {"closed": "code", "refused": "status"}
_ENDS = {
    "closed": "shut",
    "lost": "drop",
    "refused": "answer",
    "unanswered": "unanswered",
    "violation": "violate",
}
_STANDARD_CODES = range(1000, 4000)


def decision_case(vector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the case that plays a vector."""
    *before, last = _scenes(vector["events"])
    steps = [step for scene in before for step in (*scene, {"ended": {"retry": [0, 5400]}})]
    wait = vector["wait"]
    steps += [*last, {"ended": {**_outcome(vector["events"][-1]), "retry": wait or "never"}}]
    steps.append({"reconnects": {}} if wait else {"stays_away": {}})
    # A browser does not show its page the answer to an upgrade.
    sees_answers = any(event["event"] == "refused" for event in vector["events"])
    platforms = {"platforms": ["native", "phone"]} if sees_answers else {}
    return {**vector, **platforms, "about": f"Decides: {vector['about']}.", "steps": steps}


def _scenes(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the steps for each connection, up to its end."""
    scenes: list[list[dict[str, Any]]] = []
    steps: list[dict[str, Any]] = []
    for event in events:
        is_first = not scenes
        kind = event["event"]
        if kind == "welcome":
            steps.append({"join" if is_first else "rejoin": {}})
            continue
        if kind == "draining":
            fields = {name: event[name] for name in ("reason", "closes_in", "reconnect")}
            steps += [{"control": {"type": kind, **fields}}, {"event": {"event": kind}}]
            continue
        if kind in ("refused", "unanswered"):
            steps += [{"connect" if is_first else "reconnects": {}}, {"request": {}}]
        if event.get("after"):
            steps.append({"lasts": {"seconds": event["after"]}})
        steps.append(_end(event))
        scenes.append(steps)
        steps = []
    return scenes


def _end(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step that ends a connection."""
    fields = {name: value for name, value in event.items() if name not in ("event", "after")}
    return {_ENDS[event["event"]]: fields}


def _outcome(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the client is to report of the end. Libraries hide some standard codes."""
    name = _SHOWN.get(event["event"])
    is_shown = name is not None and event[name] not in _STANDARD_CODES
    return {name: event[name]} if name and is_shown else {}
