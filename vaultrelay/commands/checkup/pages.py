"""The steps with one page of the relay: its clock, and the client address that it sees."""

import time
from email.utils import parsedate_to_datetime
from typing import Any

from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup.http import Answer, NotHttp, ask
from vaultrelay.commands.checkup.result import CheckFailed, Found
from vaultrelay.policy.addresses import IpAddress, read_address
from vaultrelay.policy.networks import UNIX
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.wire.json_object import BadControl, read_object

SKEW_SECONDS = 60
"""Beyond which a clock is wrong: more than any answer takes."""
_PATH = "address"
_ADDRESS_CHARS = 64
_OK = 200


class Pages:
    """Requests the page once, for both steps."""

    def __init__(self, reactor: Any, url: RelayUrl) -> None:
        self._reactor = reactor
        self._url = url
        self._answer: Answer | None = None

    async def http(self) -> Found | None:
        """Check that the server speaks HTTP/1.1, and its clock."""
        path = self._url.path.removesuffix("v3").rstrip("/") + f"/{_PATH}"
        try:
            self._answer = await ask(self._reactor, self._url, path, {})
        except NotHttp as error:
            raise CheckFailed(str(error)) from None
        except Exception:
            # Some proxies forward only upgrades, which have their own step.
            return None
        skew = clock_skew(self._answer.header("date"), time.time())
        facts: dict[str, object] = {"skew_seconds": skew}
        if skew is None:
            return Found("HTTP/1.1 answers, and says no time", facts)
        if abs(skew) <= SKEW_SECONDS:
            return Found("HTTP/1.1 answers, and its clock agrees with ours", facts)
        return Found("HTTP/1.1 answers", facts, (_wrong_clock(skew),))

    async def address(self) -> Found | None:
        """Check that the relay sees our own address; older relays do not report it."""
        answer = self._answer
        told = None if answer is None or answer.status != _OK else read_told(answer.body)
        if answer is None or told is None:
            return None
        seen, is_told = told
        finding = judge_address(seen, answer.here, answer.there)
        how = "as its proxy tells it" if is_told else "by the connection"
        return Found(
            f"the relay sees {seen or 'no address'}, {how}",
            {"seen": seen and str(seen), "from": "proxy" if is_told else "connection"},
            (finding,) if finding else (),
        )


def read_told(body: bytes) -> tuple[IpAddress | None, bool] | None:
    """Return the address in the relay's answer, and whether its proxy set it; None for another
    answer."""
    try:
        fields = read_object(body)
        text = fields.optional_text("address", _ADDRESS_CHARS)
        origin = fields.text("from", _ADDRESS_CHARS)
    except BadControl:
        return None
    seen = None if text is None else read_address(text)
    return None if text is not None and seen is None else (seen, origin == "proxy")


def judge_address(
    seen: IpAddress | None, here: IpAddress | None, there: IpAddress | None
) -> OperatorWarning | None:
    """Judge whether the relay uses its proxy's address for us; `here` and `there` are the
    connection's ends."""
    if seen is None:
        return _hidden("the relay cannot tell devices from one another", UNIX)
    if here is None or there is None or seen == here:
        return None
    is_proxy = (
        (seen.is_loopback and not there.is_loopback)
        or seen == there
        or (seen.is_private and there.is_global)
    )
    if not is_proxy:
        return None
    return _hidden(
        f"the relay takes this machine for {seen}, which looks like its proxy", str(seen)
    )


def _hidden(what: str, proxy: str) -> OperatorWarning:
    return OperatorWarning(
        "address_hidden",
        f"{what[0].upper()}{what[1:]}: all devices behind it count as one. Let the proxy set "
        f"X-Forwarded-For, and start the relay with --trusted-proxy {proxy}.",
    )


def clock_skew(date: str, now: float) -> int | None:
    """Return by how many seconds a Date header is ahead of this machine's clock; None without
    one."""
    try:
        return round(parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _wrong_clock(skew: int) -> OperatorWarning:
    side = "ahead of" if skew > 0 else "behind"
    return OperatorWarning(
        "clock_skew",
        f"The clock there is {_span(abs(skew))} {side} this machine's: set whichever is wrong by "
        "NTP, or certificates seem expired and logs cannot be compared.",
    )


def _span(seconds: int) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
