"""The verbs of cases, and the features of a client that they need."""

from typing import Any

from vaultrelay.conformance import (
    client_steps,
    join_steps,
    mail_steps,
    put_steps,
    receive_steps,
    relay_steps,
)
from vaultrelay.conformance.case import Step
from vaultrelay.conformance.exchange import exchange
from vaultrelay.conformance.stage import Stage, Verbs

VERBS: Verbs = {
    **client_steps.VERBS,
    **join_steps.VERBS,
    **relay_steps.VERBS,
    **receive_steps.VERBS,
    "exchange": exchange,
    **mail_steps.VERBS,
    **put_steps.VERBS,
}
_MAIL_VERBS = {*mail_steps.VERBS, *put_steps.VERBS}
_RETURNS = frozenset({"mail_again", "reconnects", "rejoin"})
_CLOCK_VERBS = _RETURNS | {"clock", "lasts", "slowly", "stays_away"}


async def play(stage: Stage, step: Step) -> None:
    """Play one step. Raises Failure if the client does not do what it expects."""
    arguments = dict(step.arguments)
    client = stage.client(arguments.pop("client", "a"))
    await VERBS[step.verb](stage, client, **arguments)


def needs_of(step: Step) -> set[str]:
    """Return the features that a client needs for a step."""
    arguments: dict[str, Any] = dict(step.arguments)
    found = set()
    if step.verb in _CLOCK_VERBS:
        found.add("clock")
    if step.verb in _RETURNS or step.verb == "spread" or "retry" in arguments:
        found.add("reconnect")
    if step.verb in _MAIL_VERBS or "mailbox" in arguments:
        found.add("mailbox")
    if step.verb == "connect":
        found |= {name for name in ("dial",) if "url" in arguments}
        found |= {name for name in ("token",) if "user" in arguments}
    return found
