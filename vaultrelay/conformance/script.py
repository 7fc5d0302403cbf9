"""The verbs of cases, and the features of a client that they need."""

from typing import Any

from vaultrelay.conformance import (
    client_steps,
    device_steps,
    join_steps,
    mail_steps,
    put_steps,
    reach_steps,
    receive_steps,
    relay_steps,
    upgrade_steps,
)
from vaultrelay.conformance.case import Step
from vaultrelay.conformance.exchange import exchange
from vaultrelay.conformance.stage import Stage, Verbs
from vaultrelay.conformance.violation_steps import VERBS as VIOLATION_VERBS

VERBS: Verbs = {
    **client_steps.VERBS,
    **upgrade_steps.VERBS,
    **join_steps.VERBS,
    **relay_steps.VERBS,
    **receive_steps.VERBS,
    **reach_steps.VERBS,
    **device_steps.VERBS,
    **VIOLATION_VERBS,
    "exchange": exchange,
    **mail_steps.VERBS,
    **put_steps.VERBS,
}
_MAIL_VERBS = {*mail_steps.VERBS, *put_steps.VERBS}
_RETURNS = frozenset({"mail_again", "reconnects", "rejoin"})
_CLOCK_VERBS = _RETURNS | {"clock", "expires", "lasts", "slowly", "stays_away", "wake"}
_ATTEMPTS = _RETURNS | {"dials", "moves", "spread"}
_DEVICE_VERBS = frozenset({"keepalive", "network", "suspend", "wake"})
"""Each needs the feature of its name."""


async def play(stage: Stage, step: Step) -> None:
    """Play one step. Raises Failure if the client does not do what it expects."""
    arguments = dict(step.arguments)
    client = stage.client(arguments.pop("client", "a"))
    await VERBS[step.verb](stage, client, **arguments)


def needs_of(step: Step) -> set[str]:
    """Return the features that a client needs for a step."""
    arguments: dict[str, Any] = dict(step.arguments)
    found = {step.verb} & _DEVICE_VERBS
    if step.verb in _CLOCK_VERBS or "within" in arguments:
        found.add("clock")
    if step.verb in _ATTEMPTS or "retry" in arguments:
        found.add("reconnect")
    if step.verb == "secure" or "tls" in arguments:
        found.add("tls")
    if step.verb in ("rejects", "dials_or_rejects"):
        found.add("dial")
    if step.verb in _MAIL_VERBS or "mailbox" in arguments:
        found.add("mailbox")
    if step.verb == "connect":
        found |= {name for name in ("dial",) if "url" in arguments}
        found |= {name for name in ("idn",) if not arguments.get("url", "").isascii()}
        found |= {name for name in ("token",) if "user" in arguments}
    return found
