import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire.close_codes import REASON_BYTES, CloseCode

PROTOCOL = {
    4000: "restart",
    4001: "idle",
    4002: "ping_timeout",
    4003: "hello_timeout",
    4004: "slow",
    4005: "rate",
    4006: "relay_full",
    4007: "memory",
    4008: "internal",
    4009: "resync",
    4500: "protocol",
    4501: "bad_message",
    4502: "too_big",
    4503: "proof",
    4504: "audience",
    4506: "not_allowed",
    4507: "channel_full",
    4509: "replaced",
    4510: "kicked",
}
"""The table of the protocol page."""


def test_codes_and_slugs_are_those_of_the_protocol() -> None:
    assert {code.number: code.slug for code in CloseCode} == PROTOCOL


@pytest.mark.parametrize("code", CloseCode)
def test_devices_return_after_4000_to_4499_only(code: CloseCode) -> None:
    may_return = None if 4000 <= code.number <= 4499 else 0
    assert code.retries == (1 if code is CloseCode.REPLACED else may_return)


@pytest.mark.parametrize("code", CloseCode)
def test_every_code_has_a_sentence_for_people(code: CloseCode) -> None:
    assert code.sentence[0].isupper()
    assert code.sentence.endswith(".")


@pytest.mark.parametrize(
    ("code", "details", "reason"),
    [
        (CloseCode.RESTART, {}, "restart"),
        (CloseCode.RATE, {"retry": 30}, "rate;retry=30"),
        (CloseCode.INTERNAL, {"ref": "a1b2c3"}, "internal;ref=a1b2c3"),
        (CloseCode.TOO_BIG, {"limit": 10, "got": 12}, "too_big;limit=10;got=12"),
        (CloseCode.INTERNAL, {"ref": "é€\n"}, "internal;ref=??\n"),
        (CloseCode.IDLE, {"x": "y" * 200}, "idle;x=" + "y" * 116),
    ],
)
def test_the_reason_is_the_slug_with_its_details(
    code: CloseCode, details: dict[str, object], reason: str
) -> None:
    assert code.reason(**details) == reason


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.sampled_from(CloseCode), st.text(max_size=200))
def test_every_reason_fits_into_a_close_frame(code: CloseCode, detail: str) -> None:
    reason = code.reason(detail=detail).encode("ascii")
    assert len(reason) <= REASON_BYTES == 125 - 2
    assert reason.startswith(code.slug.encode())
