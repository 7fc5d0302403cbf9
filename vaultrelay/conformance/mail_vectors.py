"""Cases from the test vectors of the mailbox: `mailbox` in docs/vectors.json."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from vaultrelay.conformance.mail_streams import reported, stream_steps
from vaultrelay.conformance.vector_cases import slug

Step: TypeAlias = dict[str, dict[str, Any]]
Vector: TypeAlias = Mapping[str, Any]


def mail_cases(vectors: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of each case."""
    for vector in vectors["collapse_keys"]:
        yield _collapse_key(vector)
    for vector in vectors["relay_controls"]:
        # The streams have the others.
        if vector["fields"].get("state") != "live" and vector["fields"].get("gap", "") is not None:
            yield _control(vector["name"], vector)
    for vector in vectors["tolerated_relay_controls"]:
        yield _control(vector["why"], vector)
    for vector in vectors["refused_relay_controls"]:
        section = "Erasing" if '"erased"' in vector["text"] else "Reading"
        yield _refused(section, vector, {"text": {"raw": vector["text"]}})
    for vector in vectors["items"]:
        yield _item(vector)
    for vector in vectors["refused_relay_data"]:
        yield _refused("Data messages", vector, {"binary": {"hex": vector["hex"]}})
    for vector in vectors["streams"]:
        name = vector["name"]
        about = f"Keeps the cursor after each message: {name}."
        yield _case(f"stream-{name}", "Reading", about, stream_steps(vector))


def _case(name: str, section: str, about: str, steps: list[Step]) -> dict[str, Any]:
    name = f"mailbox-{slug(name)}"
    return {"name": name, "level": "mailbox", "section": section, "about": about, "steps": steps}


def _collapse_key(vector: Vector) -> dict[str, Any]:
    names = {"what": vector["what"], "tag_key": vector["device_tag_key"], "key": vector["key"]}
    steps: list[Step] = [
        {"identity": {"device": vector["device"]}},
        {"mail_join": {}},
        {"put": names},
        {"receive_put": {}},
    ]
    about = f"Rule 5: derives the collapse key of {vector['name']}."
    return _case(f"collapse-key-{vector['name']}", "Rules for clients", about, steps)


def _control(name: str, vector: Vector) -> dict[str, Any]:
    fields = vector["fields"]
    text: Step = {"text": {"raw": vector["text"]}}
    if fields["type"] == "welcome":
        said = {each: fields[each] for each in ("session", "peers", "notice")}
        begin: list[Step] = [{"connect": {"mailbox": True}}, {"request": {}}, {"upgrade": {}}]
        begin += [{"challenge": {}}, {"hello": {}}, text, {"event": {"event": "open", **said}}]
        return _case(f"control-{name}", "Opening", f"Reads: {name}.", begin)
    steps: list[Step] = [{"mail_join": {}}, text, *reported(fields), {"still_there": {}}]
    section = "Erasing" if fields["type"] == "erased" else "Reading"
    return _case(f"control-{name}", section, f"Reads: {name}.", steps)


def _refused(section: str, vector: Vector, sent: Step) -> dict[str, Any]:
    """Return the case of a message that no relay sends. Whatever comes of it moves no cursor."""
    if vector.get("ignored"):
        about = f"Ignores: {vector['why']}."
        steps: list[Step] = [{"mail_join": {}}, sent, {"still_there": {}}, {"mail_again": {}}]
    else:
        about = f"Closes for: {vector['why']}."
        steps = [{"mail_join": {}}, sent, {"receive": {"what": "end"}}, {"ended": {}}]
    return _case(f"refused-{vector['why']}", section, about, steps)


def _item(vector: Vector) -> dict[str, Any]:
    steps: list[Step] = [
        {"mail_join": {}},
        {"binary": {"hex": vector["hex"]}},
        {"event": _item_event(vector)},
        {"still_there": {}},
    ]
    return _case(f"item-{vector['name']}", "ITEM", f"Takes an item: {vector['name']}.", steps)


def _item_event(vector: Vector) -> dict[str, Any]:
    return {"event": "item", "item_id": vector["item_id"], "payload": vector["payload"]}
