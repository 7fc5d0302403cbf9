"""Cases from test vectors: those of docs/vectors.json that can be played to a client.

`docs/make_vectors.py` writes this part of them to `cases/vectors.json`, too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from vaultrelay.conformance.decisions import decision_case

Step: TypeAlias = dict[str, dict[str, Any]]
_JOIN: list[Step] = [
    {"connect": {}},
    {"request": {}},
    {"upgrade": {}},
    {"challenge": {}},
    {"hello": {}},
]
_CONTROLS, _AUDIENCE = "Control messages", "Audience"


def vector_cases(vectors: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of each case."""
    for vector in vectors["relay_controls"]:
        yield from _control(vector["name"], vector)
    for vector in vectors["tolerated_relay_controls"]:
        yield from _control(vector["why"], vector)
    for vector in vectors["audiences"]["dialled"]:
        yield _audience(vector)
    for vector in vectors["audiences"]["not_in_every_parser"]:
        yield _spelling(vector)
    for url in vectors["audiences"]["no_host"]:
        yield _no_host(url)
    yield from map(decision_case, vectors["decisions"])


def _control(name: str, vector: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the case of a control message; the challenge is a part of each case already."""
    fields = vector["fields"]
    kind = fields and fields["type"]
    steps: list[Step]
    if kind == "challenge":
        return
    if fields is None:
        steps = [{"join": {}}, {"text": {"raw": vector["text"]}}, {"still_there": {}}]
    elif kind == "welcome":
        said = {each: fields[each] for each in ("session", "peers", "notice")}
        steps = [*_JOIN, {"text": {"raw": vector["text"]}}, {"event": {"event": "open", **said}}]
    else:
        names = {"mood", "type"}
        said = {each: value for each, value in fields.items() if each not in names}
        steps = [
            {"join": {}},
            {"text": {"raw": vector["text"]}},
            {"event": {"event": kind, **said}},
            {"still_there": {}},
        ]
    yield _case(f"control-{slug(name)}", _CONTROLS, f"Reads: {name}.", steps)


def _audience(vector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case of a URL; the kit has no TLS."""
    url = _plain(vector["url"])
    steps: list[Step] = [
        {"connect": {"url": url}},
        {"request": {}},
        {"upgrade": {}},
        {"challenge": {}},
        {"hello": {"audience": vector["audience"]}},
    ]
    about = f"Dials {url}, and sends its audience."
    return _case(f"audience-{slug(vector['url'])}", _AUDIENCE, about, steps)


def _spelling(vector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case of a URL that parsers read in several ways, or refuse."""
    url, audiences = _plain(vector["url"]), vector["audiences"]
    about = f"Dials {url}, and sends {' or '.join(audiences)}."
    steps: list[Step] = [{"connect": {"url": url}}]
    if vector["may_be_refused"]:
        about = f"Refuses {url}, or sends {' or '.join(audiences)}."
        steps = [{"dials_or_rejects": {"url": url}}]
    joining: list[Step] = [{"request": {}}, {"upgrade": {}}, {"challenge": {}}]
    steps += [*joining, {"hello": {"audiences": audiences}}]
    return _case(f"audience-{slug(vector['url'])}", _AUDIENCE, about, steps)


def _no_host(url: str) -> dict[str, Any]:
    """Return the case of a URL that is none of a relay."""
    steps: list[Step] = [{"rejects": {"url": _plain(url)}}]
    about = f"Refuses {_plain(url)}."
    return _case(f"no-host-{slug(url)}", _AUDIENCE, about, steps, "should")


def _plain(url: str) -> str:
    return re.sub("^wss:", "ws:", url)


def _case(
    name: str, section: str, about: str, steps: list[Step], level: str = "must"
) -> dict[str, Any]:
    return {"name": name, "level": level, "section": section, "about": about, "steps": steps}


def slug(text: str) -> str:
    """Return a text in lower case, with a hyphen for each run of characters that no name has."""
    plain = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    return re.sub("[^a-z0-9._]+", "-", plain.lower()).strip("-")
