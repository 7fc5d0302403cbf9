"""SharedFrame: counted once in the ledger, from its first receiver to its last."""

import pytest

from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.shared_frame import SharedFrame

LIMIT = 1024 * 1024
FRAME = bytes(5000)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(LIMIT)


@pytest.fixture
def shared(ledger: Ledger) -> SharedFrame:
    return SharedFrame(FRAME, ledger)


def test_without_a_receiver_it_is_not_counted(ledger: Ledger, shared: SharedFrame) -> None:
    assert ledger.held == 0
    assert shared.frame is FRAME


@pytest.mark.parametrize("receivers", [1, 2, 50])
def test_it_is_counted_once_for_all_receivers(
    ledger: Ledger, shared: SharedFrame, receivers: int
) -> None:
    for _ in range(receivers):
        shared.hold()
        assert ledger.held == len(FRAME)


def test_it_is_counted_until_the_last_receiver_has_it(ledger: Ledger, shared: SharedFrame) -> None:
    shared.hold()
    shared.hold()
    shared.release()
    assert ledger.held == len(FRAME)
    shared.release()
    assert ledger.held == 0


def test_it_is_counted_again_for_a_receiver_after_the_last(
    ledger: Ledger, shared: SharedFrame
) -> None:
    shared.hold()
    shared.release()
    shared.hold()
    assert ledger.held == len(FRAME)
    shared.release()
    assert ledger.held == 0


def test_frames_are_counted_each_for_itself(ledger: Ledger, shared: SharedFrame) -> None:
    other = SharedFrame(bytes(7000), ledger)
    shared.hold()
    other.hold()
    assert ledger.held == len(FRAME) + 7000
    shared.release()
    assert ledger.held == 7000
    assert len(other.frame) == 7000
