"""The events of the Python client as the conformance kit has them."""

from dataclasses import asdict
from typing import Any

from vaultrelay.client import Closed, Draining, Ended, Joined, Message, Nack, Opened, Refused

SHOWN_BYTES = 256
"""Of a payload; of a longer one its size is reported."""
Fields = dict[str, Any]


def describe(event: Any) -> Fields:
    """Return an event of the client as the kit has it."""
    match event:
        case Opened(device):
            peers = [{"session": n, "device": tag.hex()} for n, tag in device.peers.items()]
            fields = {"session": device.session, "peers": peers, "notice": device.notice}
            return {"event": "open", **fields}
        case Ended(error, seconds):
            return {"event": "ended", "retry": seconds, **outcome(error)}
        case Message(sender=sender, payload=payload):
            return {"event": "message", "from": sender, **content(payload)}
        case Nack(peer, id, reason):
            return {"event": "nack", "peer": peer, "id": id, "reason": int(reason)}
        case Joined(peer):
            return {"event": "joined", "session": peer.session, "device": peer.device.hex()}
        case Draining(reconnect=reconnect):
            return {"event": event.type, **asdict(event), "reconnect": list(reconnect)}
    return {"event": event.type, **asdict(event)}


def outcome(error: Exception) -> Fields:
    """Return the reason of an end."""
    match error:
        case Closed(code=code, reason=reason):
            return {"code": code, "reason": reason}
        case Refused(status=status, error=slug, detail=detail):
            return {"status": status, "error": slug, "detail": detail}
    return {"error": type(error).__name__}


def content(payload: bytes) -> Fields:
    """Return a payload; of a long one its size."""
    is_shown = len(payload) <= SHOWN_BYTES
    return {"payload": payload.hex()} if is_shown else {"bytes": len(payload)}
