"""The step that uses the mailbox: an item is stored, delivered and erased."""

import secrets
from contextlib import suppress
from typing import Any, TypeVar

from vaultrelay.client import (
    Device,
    Draining,
    Erased,
    Item,
    Mailbox,
    MailboxState,
    MemoryMailStore,
    NoMailbox,
    PutReason,
    PutRefused,
    Stored,
)
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.messages import STOPPING
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.web.units import brief, lasting
from vaultrelay.wire.control.mailbox import State

ITEM_BYTES = 64
ITEM_SECONDS = 60
"""After which the relay deletes the item, if this check cannot erase it."""
_NONE = "the relay has no mailbox: it stores nothing for devices that are not connected"
_AWAY = (
    "The relay has a mailbox, but cannot use its store at present: is its disk full or damaged? "
    "Its log and status page name the cause. Messages between connected devices pass."
)
_REFUSED = (
    "The relay has a mailbox, but does not store an item of this check; the reason is {reason}. "
    "Devices with the same access token or network address may get this reason, too."
)
Wanted = TypeVar("Wanted")


async def check_mailbox(reactor: Any, devices: Devices) -> StepResult:
    """Use the mailbox of the relay, if there is one, in a channel of its own."""
    await devices.leave()
    sending, receiving = Mailbox(MemoryMailStore()), Mailbox(MemoryMailStore())
    sender = await devices.connect(sending)
    limits = sending.limits
    if limits is None:
        return StepResult(_NONE, {"mailbox": None})
    facts = {"mailbox": limits._asdict()}
    receiver = await devices.connect(receiving)
    payload = secrets.token_bytes(ITEM_BYTES)
    began = reactor.seconds()
    # The events say the same.
    sending.put(payload, ttl=ITEM_SECONDS).addErrback(lambda _: None)
    try:
        await _next(sender, Stored)
        took = reactor.seconds() - began
        item = await _next(receiver, Item)
    except PutRefused as refused:
        return _refused(refused, facts)
    finally:
        with suppress(NoMailbox):
            # Without a connection the item expires.
            sending.erase()
    if item.payload != payload:
        raise CheckFailed("An item of the mailbox was changed on its way.")
    await _next(sender, Erased)
    kept = lasting(limits.retention)
    detail = (
        f"an item was stored in {brief(took)}, delivered and erased; the relay keeps items {kept}"
    )
    return StepResult(detail, facts)


async def _next(device: Device, kind: type[Wanted]) -> Wanted:
    """Return the next event of this kind. Raises CheckFailed if none can come, and PutRefused."""
    while True:
        event = await device.receive()
        if isinstance(event, kind):
            return event
        if isinstance(event, PutRefused):
            raise event
        if isinstance(event, Draining):
            raise CheckFailed(STOPPING)
        if isinstance(event, MailboxState) and event.state == State.AWAY:
            raise CheckFailed(_AWAY)


def _refused(refused: PutRefused, facts: dict[str, Any]) -> StepResult:
    if refused.reason is PutReason.AWAY:
        raise CheckFailed(_AWAY)
    reason = getattr(refused.reason, "name", str(refused.reason)).lower().replace("_", " ")
    warning = OperatorWarning("mailbox_refuses", _REFUSED.format(reason=reason))
    return StepResult("the relay has a mailbox, and stored nothing", facts, (warning,))
