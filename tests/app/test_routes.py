"""Routes: which web pages may open a connection, and what a refused one takes."""

import json

import pytest

from tests.memory import Relay
from vaultrelay.policy.access import Access
from vaultrelay.policy.limits.joins import LATE_JOIN_SECONDS
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins
from vaultrelay.transport.request_dispatcher import RequestDispatcher

HOME = Access(allowed=Networks.read(["192.0.2.0/24"]), origins=Origins())
"""What --allow-from alone makes of it."""
LISTED = Access(origins=Origins.read(["https://app.example"]))


@pytest.mark.parametrize(
    ("access", "origin", "status"),
    [
        (Access(), "https://evil.example", 101),
        (Access(), "null", 101),
        (HOME, None, 101),
        (HOME, "https://evil.example", 403),
        (HOME, "null", 403),
        (HOME, "nonsense", 403),
        (HOME, "http://relay.test", 403),
        (LISTED, None, 101),
        (LISTED, "https://app.example", 101),
        (LISTED, "HTTPS://app.example:443", 101),
        (LISTED, "https://evil.example", 403),
        (LISTED, "null", 403),
    ],
)
def test_web_pages_connect_where_their_origin_is_listed(
    access: Access, origin: str | None, status: int
) -> None:
    relay = Relay(access=access)
    headers = {} if origin is None else {"Origin": origin}
    wire = relay.connect("192.0.2.7")
    answer = wire.upgrade(**headers)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    refused = status == 403
    assert relay.broker.counters.refused["origin_not_allowed"] == refused
    found = [each.text for each in relay.service.warnings() if each.slug == "origin_refused"]
    assert len(found) == refused
    assert all("add --allow-origin with the value of location.origin" in text for text in found)
    if refused:
        assert json.loads(wire.taken())["error"] == "origin_not_allowed"
        assert wire.transport.disconnecting


def test_a_page_is_shown_to_a_browser_of_any_origin() -> None:
    """It changes nothing, and another website's script cannot read it."""
    answer = (
        Relay(access=LISTED).connect("192.0.2.7").request("/health", Origin="https://e.example")
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Access-Control" not in answer


def test_a_refused_page_takes_no_more_of_its_visitors_budget_than_others_do() -> None:
    """It takes an arrival, as every request does, and no place."""
    relay = Relay(access=LISTED, max_per_address=2)
    relay.join(b"device-a", host="192.0.2.7")
    for _ in range(20):
        wire = relay.connect("192.0.2.7")
        assert b"403 Forbidden" in wire.upgrade(Origin="https://evil.example")
        wire.hang_up()
    relay.join(b"device-b", host="192.0.2.7")
    assert relay.broker.joined == 2
    assert relay.broker.counters.refused == {"origin_not_allowed": 20}


@pytest.mark.parametrize(("encrypted", "status"), [(False, 503), (True, 101)])
def test_devices_that_waited_for_too_long_return_later_but_not_after_tls(
    monkeypatch: pytest.MonkeyPatch, encrypted: bool, status: int
) -> None:
    """Another TLS handshake would cost more than the join."""
    relay = Relay()
    monkeypatch.setattr(RequestDispatcher, "_is_encrypted", encrypted)
    relay.service.hub.pace.round_ended(is_complete=False)
    relay.service.hub.pace.accepted(LATE_JOIN_SECONDS + 1)
    answer = relay.connect("192.0.2.7").upgrade()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"Retry-After: " in answer) == (status == 503)
    assert relay.connect("192.0.2.7").request("/health").startswith(b"HTTP/1.1 200 ")
