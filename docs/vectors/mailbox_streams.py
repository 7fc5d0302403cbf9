"""Streams of a mailbox: what a relay sends a device, and the cursor that the device then keeps."""

from vectors.common import EVERYONE, Json, b64, compact, sample
from vectors.data import header

Step = tuple[Json, bytes | None, bool]
"""A message, the device's cursor after it, and whether the device must synchronize first."""

A, B, C = (sample(f"cursor {letter}", 16) for letter in "ABC")
D = sample("cursor", 16)
ZEROS = bytes(16)
OWN = sample("item id", 16)
"""The item of the device's own PUT."""


def opened(gap: str | None) -> Json:
    """The beginning of a replay."""
    return {"text": compact(type="mailbox", state="open", gap=gap)}


def live(cursor: bytes | None) -> Json:
    """The end of a replay."""
    return {"text": compact(type="mailbox", state="live", cursor=cursor and b64(cursor))}


def state(name: str) -> Json:
    """A state without further fields."""
    return {"text": compact(type="mailbox", state=name)}


def erased(cursor: bytes) -> Json:
    """The notice of a deletion."""
    return {"text": compact(type="erased", cursor=b64(cursor))}


def item(cursor: bytes, item_id: bytes = b"") -> Json:
    """An item at this place."""
    found = item_id or sample(f"item at {cursor.hex()}", 16)
    message = header(0x13, 0, 0, EVERYONE, 0, 0) + found + cursor + b"ciphertext"
    return {"hex": message.hex()}


def stored(cursor: bytes) -> Json:
    """The answer to PUT 41 of session 7."""
    return {"hex": (header(0x14, 0, 0, 7, 0, 41) + OWN + cursor).hex()}


def streams() -> list[Json]:
    """Streams to session 7, which asked from the first cursor on."""
    found: list[tuple[str, bytes | None, list[Step]]] = [
        (
            "the worked example of the page: a device wakes, and stores an item of its own",
            A,
            [
                (opened(None), A, False),
                (item(B), B, False),
                (live(B), B, False),
                (item(C), C, False),
                (stored(D), D, False),
            ],
        ),
        (
            "a new device in an empty mailbox",
            None,
            [(opened(None), None, False), (live(None), None, False), (stored(A), A, False)],
        ),
        (
            "a PUT during the replay: its STORED moves nothing, its item follows",
            A,
            [
                (opened(None), A, False),
                (stored(ZEROS), A, False),
                (item(B), B, False),
                (item(C, OWN), C, False),
                (live(C), C, False),
            ],
        ),
        (
            "a repeated PUT",
            A,
            [(opened(None), A, False), (live(A), A, False), (stored(ZEROS), A, False)],
        ),
        (
            "away for longer than the retention",
            A,
            [(opened("gone"), A, True), (item(C), C, True), (live(C), C, True)],
        ),
        (
            "the store does not know the cursor, and has nothing: the cursor is dropped",
            A,
            [(opened("unknown"), A, True), (live(None), None, True)],
        ),
        (
            "a kind of gap that the device does not know",
            A,
            [(opened("moved"), A, True), (live(B), B, True)],
        ),
        (
            "more is gone than was known at first",
            A,
            [
                (opened(None), A, False),
                (item(B), B, False),
                (opened("gone"), B, True),
                (item(D), D, True),
                (live(D), D, True),
            ],
        ),
        (
            "the store is away for a while; then it goes on where the device was",
            A,
            [
                (opened(None), A, False),
                (live(A), A, False),
                (state("away"), A, False),
                (opened(None), A, False),
                (item(B), B, False),
                (live(B), B, False),
                (state("room"), B, False),
            ],
        ),
        (
            "a slow device is told twice that it has all",
            A,
            [
                (opened(None), A, False),
                (live(A), A, False),
                (item(B), B, False),
                (live(B), B, False),
            ],
        ),
        (
            "what is erased moves no cursor",
            A,
            [(opened(None), A, False), (live(B), B, False), (erased(A), B, False)],
        ),
    ]
    return [
        {
            "name": name,
            "session": 7,
            "cursor": cursor and cursor.hex(),
            "messages": [
                {**message, "cursor": after and after.hex(), "synchronize": must}
                for message, after, must in steps
            ],
        }
        for name, cursor, steps in found
    ]
