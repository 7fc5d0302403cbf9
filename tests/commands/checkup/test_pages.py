"""The clock, and the address that the relay sees."""

import time
from ipaddress import ip_address

import pytest
import pytest_twisted

from tests.commands.checkup.servers import answering, page
from vaultrelay.commands.checkup import pages
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.policy.addresses import IpAddress
from vaultrelay.wire.relay_url import RelayUrl

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
NOON = 1795348800
PUBLIC, OTHER, PRIVATE, LOCAL = "8.8.8.8", "9.9.9.9", "192.168.1.2", "127.0.0.1"


@pytest.mark.parametrize(
    ("seen", "here", "there", "cure"),
    [
        (LOCAL, LOCAL, LOCAL, None),
        (PRIVATE, PRIVATE, PUBLIC, None),
        (PUBLIC, PRIVATE, OTHER, None),
        (PRIVATE, PRIVATE, PRIVATE, None),
        ("10.0.0.1", PRIVATE, "10.0.0.9", None),
        (LOCAL, PRIVATE, PUBLIC, LOCAL),
        (LOCAL, PRIVATE, "192.168.1.9", LOCAL),
        ("::1", "2001:4860::1", "2001:4860::2", "::1"),
        ("172.17.0.1", PRIVATE, PUBLIC, "172.17.0.1"),
        (OTHER, PRIVATE, OTHER, OTHER),
        (None, PRIVATE, PUBLIC, "unix"),
    ],
)
def test_a_relay_that_takes_us_for_its_proxy_is_found(
    seen: str | None, here: str, there: str, cure: str | None
) -> None:
    ends = ip_address(here), ip_address(there)
    warning = pages.address_warning(None if seen is None else ip_address(seen), *ends)
    assert (warning is None) is (cure is None)
    if warning is not None:
        assert warning.slug == "address_hidden"
        assert warning.text.endswith(f"--trusted-proxy {cure}.")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"address":"8.8.8.8","from":"proxy"}', (ip_address("8.8.8.8"), True)),
        (b'{"address":"::1","from":"connection"}', (ip_address("::1"), False)),
        (b'{"address":null,"from":"connection"}', (None, False)),
        (b'{"address":"evil\\u001b","from":"proxy"}', None),
        (b'{"address":"8.8.8.8"}', None),
        (b"<html>", None),
    ],
    ids=["proxy", "connection", "unknown", "evil", "half", "html"],
)
def test_only_an_address_is_read(body: bytes, told: tuple[IpAddress | None, bool] | None) -> None:
    assert pages.read_address_page(body) == told


@pytest.mark.parametrize(
    ("date", "now", "skew"),
    [(DATE, NOON, 0), (DATE, NOON + 0.9, -1), (DATE, NOON - 90, 90), ("", 0, None), ("x", 0, None)],
)
def test_the_skew_is_how_far_they_are_ahead(date: str, now: float, skew: int | None) -> None:
    assert pages.clock_skew(date, now) == skew


async def found_at(answer: bytes, path: str = "") -> tuple[StepResult | None, StepResult | None]:
    from twisted.internet import reactor

    with answering(answer) as port:
        both = pages.Pages(reactor, RelayUrl.read(f"ws://localhost:{port}{path}"))
        return await both.http(), await both.address()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOON, None),
        (NOON - 60, None),
        (NOON - 61, "1 min ahead of"),
        (NOON + 7200, "2 h 0 min behind"),
        (NOON + 600, "10 min behind"),
        (NOON - 3 * 86_400, "3 d 0 h ahead of"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_clock_that_is_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch, now: int, said: str | None
) -> None:
    monkeypatch.setattr(time, "time", lambda: now)
    http, address = await found_at(page("404 Not Found", f"Date: {DATE}"))
    assert http is not None
    assert address is None
    assert http.facts == {"skew_seconds": NOON - now}
    assert [warning.slug for warning in http.warnings] == (["clock_skew"] if said else [])
    if said:
        assert f"The clock there is {said} this machine's" in http.warnings[0].text


@pytest_twisted.ensureDeferred
async def test_who_says_no_time_and_no_address_is_not_blamed() -> None:
    http, address = await found_at(page("200 OK", body="<html>"))
    assert http is not None
    assert (http.facts, http.warnings, address) == ({"skew_seconds": None}, (), None)
    assert await found_at(b"") == (None, None)


@pytest_twisted.ensureDeferred
async def test_the_address_is_told() -> None:
    body = '{"address":"8.8.8.8","from":"proxy"}'
    _, address = await found_at(page("200 OK", body=body), "/v3")
    assert address is not None
    assert address.detail == "the relay sees 8.8.8.8, from the header of its proxy"
    assert address.facts == {"seen": "8.8.8.8", "from": "proxy"}


@pytest_twisted.ensureDeferred
async def test_what_speaks_no_http_has_failed() -> None:
    with pytest.raises(CheckFailed, match="does not speak HTTP"):
        await found_at(b"SSH-2.0-x\r\n\r\n")
