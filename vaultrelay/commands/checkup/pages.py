"""The steps with one page of the relay: its clock, and the client address that it sees."""

import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from vaultrelay.commands.checkup.http import HttpGet, http_get
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.policy.addresses import IpAddress, read_address
from vaultrelay.policy.networks import UNIX
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.web.units import lasting
from vaultrelay.wire.answer import NotHttp
from vaultrelay.wire.json_object import BadControl, read_object
from vaultrelay.wire.relay_url import RelayUrl

SKEW_SECONDS = 60
"""Beyond which a clock is wrong: more than any answer takes."""
_ADDRESS_CHARS = 64


class Pages:
    """Requests the page once, for both steps."""

    def __init__(self, reactor: Any, url: RelayUrl) -> None:
        self._reactor = reactor
        self._url = url
        self._connection: HttpGet | None = None
        self._body = b""

    async def http(self) -> StepResult | None:
        """Check that the server speaks HTTP/1.1, and its clock."""
        try:
            answer, connection = await http_get(self._reactor, self._url, self._url.page("address"))
        except NotHttp as error:
            raise CheckFailed(str(error)) from None
        except Exception:
            # Some proxies forward only upgrades, which have their own step.
            return None
        if answer.status == HTTPStatus.OK:
            self._connection, self._body = connection, answer.body
        skew = clock_skew(answer.header("date"), time.time())
        facts = {"skew_seconds": skew}
        if skew is None:
            return StepResult("HTTP/1.1 answers, without a Date header", facts)
        if abs(skew) <= SKEW_SECONDS:
            return StepResult("HTTP/1.1 answers, and its clock agrees with ours", facts)
        return StepResult("HTTP/1.1 answers", facts, (_wrong_clock(skew),))

    async def address(self) -> StepResult | None:
        """Check that the relay sees our own address; older relays do not report it."""
        page = read_address_page(self._body)
        if self._connection is None or page is None:
            return None
        seen, is_proxied = page
        warning = address_warning(seen, self._connection.local, self._connection.remote)
        origin = "from the header of its proxy" if is_proxied else "from the connection"
        return StepResult(
            f"the relay sees {seen or 'no address'}, {origin}",
            {"seen": seen and str(seen), "from": "proxy" if is_proxied else "connection"},
            (warning,) if warning else (),
        )


def read_address_page(body: bytes) -> tuple[IpAddress | None, bool] | None:
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


def address_warning(
    seen: IpAddress | None, local: IpAddress | None, remote: IpAddress | None
) -> OperatorWarning | None:
    """Return the warning if the relay uses its proxy's address for us; `local` and `remote` are
    the connection's ends."""
    if seen is None:
        fault, proxy = "The relay cannot distinguish devices", UNIX
    elif local is None or remote is None or seen == local:
        return None
    elif (
        (seen.is_loopback and not remote.is_loopback)
        or seen == remote
        or (seen.is_private and remote.is_global)
    ):
        fault, proxy = f"The relay sees this machine as {seen}, most likely its proxy", str(seen)
    else:
        return None
    return OperatorWarning(
        "address_hidden",
        f"{fault}: all devices behind it count as one. Configure the proxy to set X-Forwarded-For, "
        f"and start the relay with --trusted-proxy {proxy}.",
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
        f"The clock there is {lasting(abs(skew))} {side} this machine's: synchronize the wrong one "
        "by NTP. Until then certificates may seem expired, and the times in logs differ.",
    )
