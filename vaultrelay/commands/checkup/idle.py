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
from vaultrelay.commands.checkup.result import CheckFailed, Found
from vaultrelay.policy.limits import PING_JITTER, PING_RANGE
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.wire.close_codes import CloseCode

DEFAULT_SECONDS = 130
"""Longer than the idle timeouts of common proxies, of which Cloudflare's 100 s is the longest."""
MOST_SECONDS = int(PING_RANGE[1] * (1 - PING_JITTER)) - 1
"""After that even the longest ping interval ends the silence."""
ANSWER_SECONDS = 10
"""In which the relay answers over a connection that is still open."""
BEAT_SECONDS = 2
"""Between two messages of the other device: no idle timeout is shorter than twice that."""
_BEATS_BETWEEN_LINES = 15
_SHORTEST_PING, _ = PING_RANGE
_PING_SHARE = 0.8
"""Of the time after which a connection is cut: a ping at that time is early enough."""
_OWN_CODES = 4000
_USUAL = (
    (30, "Google Cloud's load balancers after 30 s"),
    (50, "HAProxy after its timeout tunnel, client or server, often 50 s"),
    (55, "Heroku after 55 s"),
    (60, "nginx after its proxy_read_timeout of 60 s, an AWS load balancer after 60 s"),
    (100, "Cloudflare after 100 s"),
)
_NEAR_SECONDS = 2


async def hold(
    reactor: Any, devices: Devices, seconds: int, progress: Callable[[str], None]
) -> Found:
    """Keep one device silent for so long, then check whether its connection is still open."""
    device, other = (await devices.pair()).devices
    ping = device.ping_seconds
    device.keep_alive(PING_RANGE[1])
    in_force = await _answer(device)
    # A relay that grants a shorter interval pings sooner, and its ping ends the silence.
    seconds = min(seconds, int(in_force.ping_seconds * (1 - PING_JITTER)) - 1)
    progress(f"says nothing for {seconds} s, to see whether a proxy cuts silent connections")
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
            facts["silent_seconds"] = lasted
            return Found(
                f"nothing cut the silence in {lasted} s, after which the relay's own --session-ttl "
                "ended it",
                facts,
            )
        if closed.code >= _OWN_CODES:
            raise
        await _expect_answer(reactor, other, lasted)
        return judge_cut(lasted, ping, facts)
    if not await _answers(reactor, device, ping):
        await _expect_answer(reactor, other, seconds)
        return _forgotten(seconds, ping, facts)
    return Found(f"a silent connection still stood after {seconds} s", facts)


async def _be_silent(
    reactor: Any, device: Device, other: Device, seconds: int, progress: Callable[[str], None]
) -> None:
    """Wait for so long. Raises Closed if the connection ends, CheckFailed if the other's does."""
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
                progress(f"still stands, another {left} s to wait")
            continue
        if isinstance(event, Draining):
            raise CheckFailed(STOPPING)


async def _expect_answer(reactor: Any, other: Device, lasted: int) -> None:
    """Raises CheckFailed if the device that is not silent has lost its connection, too."""
    if not await _answers(reactor, other, other.ping_seconds):
        raise CheckFailed(
            f"After {lasted} s nothing came from the relay any more, on the connection in use "
            "neither: the relay stopped or restarted, or the network failed."
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


def judge_cut(lasted: int, ping: int, facts: dict[str, object]) -> Found:
    """Return the result for a connection that was cut after so long a silence."""
    facts = facts | {"cut_after_seconds": lasted}
    detail = f"a silent connection was cut after {lasted} s; the relay pings every {ping} s"
    if lasted > ping:
        return Found(f"{detail}, which is often enough", facts)
    shorter = int(lasted * _PING_SHARE)
    cure = f"raise that limit above {ping} s"
    if shorter >= _SHORTEST_PING:
        cure += f", or start the relay with --ping-seconds {shorter}"
    usual = [who for limit, who in _USUAL if abs(limit - lasted) <= _NEAR_SECONDS]
    known = "; ".join(usual or [who for _, who in _USUAL])
    return Found(
        detail,
        facts,
        (
            OperatorWarning(
                "idle_cut",
                f"Something on the way, most likely a proxy, cuts a connection after {lasted} s of "
                f"silence, before the relay's ping: {cure} (such limits have {known}).",
            ),
        ),
    )


def _forgotten(seconds: int, ping: int, facts: dict[str, object]) -> Found:
    """Return the result for a connection that is dead without a close: firewalls and NAT cause
    that."""
    return Found(
        f"after {seconds} s of silence nothing came through any more",
        facts | {"forgotten": True},
        (
            OperatorWarning(
                "idle_forgotten",
                f"Something on the way, a firewall or NAT, forgot a connection within {seconds} s "
                f"of silence without a word: let it remember them for longer than {ping} s, or "
                "start the relay with a shorter --ping-seconds.",
            ),
        ),
    )
