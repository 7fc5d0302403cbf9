"""The idle step: finds what cuts an idle connection, and after how many seconds.

One device is silent and the other is not: if both are cut, the cause is not an idle timeout.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.defer import ensureDeferred

from vaultrelay.client import Closed, Device, Draining, Keepalive
from vaultrelay.client.events import Event
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.messages import STOPPING
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.policy.limits.timeouts import PING_JITTER, PING_RANGE
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.wire.close_codes import CloseCode

DEFAULT_SECONDS = 130
"""Longer than the idle timeouts of common proxies, of which Cloudflare's 100 s is the longest."""
MAX_SECONDS = int(PING_RANGE[1] * (1 - PING_JITTER)) - 1
"""After that even the longest ping interval ends the silence."""
ANSWER_SECONDS = 10
"""In which the relay answers over a connection that is still open."""
BEAT_SECONDS = 2
"""Between two messages of the other device: no idle timeout is shorter than twice that."""
_BEATS_BETWEEN_LINES = 15
_MIN_PING, _ = PING_RANGE
_PING_SHARE = 0.8
"""Of the time after which a connection is cut: a ping at that time is early enough."""
_OWN_CODES = 4000
_USUAL = (
    (30, "Google Cloud's load balancers 30 s"),
    (50, "HAProxy's timeout tunnel, client or server, often 50 s"),
    (55, "Heroku 55 s"),
    (60, "nginx's proxy_read_timeout 60 s, AWS load balancers 60 s"),
    (100, "Cloudflare 100 s"),
)
_NEAR_SECONDS = 2


async def check_idle(
    reactor: Any, devices: Devices, seconds: int, progress: Callable[[str], None]
) -> StepResult:
    """Send nothing on one connection for so long, then check whether it is still open."""
    device, other = (await devices.pair()).devices
    ping = device.ping_seconds
    device.keep_alive(PING_RANGE[1])
    in_force = await _answer(device)
    # A relay that grants a shorter interval pings sooner, and its ping ends the silence.
    seconds = min(seconds, int(in_force.ping_seconds * (1 - PING_JITTER)) - 1)
    progress(f"sends nothing for {seconds} s, to detect a proxy that cuts idle connections")
    began = reactor.seconds()
    facts: dict[str, object] = {
        "silent_seconds": seconds,
        "ping_seconds": ping,
        "cut_after_seconds": None,
        "forgotten": False,
    }
    try:
        await _be_silent(reactor, device, other, seconds, progress)
    except Closed as closed:
        lasted = round(reactor.seconds() - began)
        if closed.code == CloseCode.IDLE.number:
            return StepResult(
                f"no proxy cut the idle connection in {lasted} s, after which the relay's own "
                "--session-ttl ended it",
                facts | {"silent_seconds": lasted},
            )
        if closed.code >= _OWN_CODES:
            raise
        await _expect_answer(reactor, other, lasted)
        return cut_result(lasted, ping, facts)
    if await _answers(reactor, device, ping):
        return StepResult(f"an idle connection was still open after {seconds} s", facts)
    await _expect_answer(reactor, other, seconds)
    facts["forgotten"] = True
    warning = _dropped(seconds, ping)
    return StepResult(f"after {seconds} idle seconds no message arrived", facts, (warning,))


async def _be_silent(
    reactor: Any, device: Device, other: Device, seconds: int, progress: Callable[[str], None]
) -> None:
    """Wait. Raises Closed if the connection ends, CheckFailed if the other's does."""
    until = reactor.seconds() + seconds
    beats = 0
    while (left := until - reactor.seconds()) > 0:
        work = ensureDeferred(device.receive())
        try:
            event = await work.addTimeout(min(left, BEAT_SECONDS), reactor)
        except TooLate:
            await _expect_answer(reactor, other, round(seconds - until + reactor.seconds()))
            beats += 1
            left = round(until - reactor.seconds())
            if left > 0 and beats % _BEATS_BETWEEN_LINES == 0:
                progress(f"still open, another {left} s to wait")
            continue
        if isinstance(event, Draining):
            raise CheckFailed(STOPPING)


async def _expect_answer(reactor: Any, other: Device, lasted: int) -> None:
    """Raises CheckFailed if the device that is not silent has lost its connection, too."""
    if not await _answers(reactor, other, other.ping_seconds):
        raise CheckFailed(
            f"After {lasted} s the relay answered on neither connection, idle or in use: the relay "
            "stopped or restarted, or the network failed."
        )


async def _answers(reactor: Any, device: Device, ping: int) -> bool:
    """Return whether the relay still answers a device that requests a ping interval."""
    try:
        device.keep_alive(ping)
        await ensureDeferred(_answer(device)).addTimeout(ANSWER_SECONDS, reactor)
    except (Closed, TooLate):
        return False
    return True


async def _answer(device: Device) -> Keepalive:
    """Return the relay's answer to a keepalive, and skip the events before it."""
    event: Event | None = None
    while not isinstance(event, Keepalive):
        event = await device.receive()
        if isinstance(event, Draining):
            raise CheckFailed(STOPPING)
    return event


def cut_result(lasted: int, ping: int, facts: dict[str, object]) -> StepResult:
    """Return the result for a connection that was cut after so many idle seconds."""
    facts = facts | {"cut_after_seconds": lasted}
    detail = f"an idle connection was cut after {lasted} s; the relay pings every {ping} s"
    if lasted > ping:
        return StepResult(f"{detail}, which is often enough", facts)
    shorter = int(lasted * _PING_SHARE)
    cure = f"raise that limit above {ping} s"
    if shorter >= _MIN_PING:
        cure += f", or start the relay with --ping-seconds {shorter}"
    near = [limit for seconds, limit in _USUAL if abs(seconds - lasted) <= _NEAR_SECONDS]
    usual = "; ".join(near or [limit for _, limit in _USUAL])
    warning = OperatorWarning(
        "idle_cut",
        f"A proxy or firewall in between cuts connections that are idle for {lasted} s, before the "
        f"relay's ping: {cure} (common limits: {usual}).",
    )
    return StepResult(detail, facts, (warning,))


def _dropped(seconds: int, ping: int) -> OperatorWarning:
    """Return the warning of a connection that is dead without a close."""
    return OperatorWarning(
        "idle_forgotten",
        f"A firewall or NAT in between dropped an idle connection within {seconds} s, without "
        f"closing it: configure it to keep idle connections for longer than {ping} s, or start the "
        "relay with a shorter --ping-seconds.",
    )
