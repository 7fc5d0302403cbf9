"""How a limit on open files is shared out."""

import pytest

from vaultrelay.policy.descriptors import Shares, files_needed, share_out


@pytest.mark.parametrize(
    ("files", "devices", "waiting"),
    [
        (64, 8, 16),
        (128, 56, 32),
        (256, 128, 64),
        (512, 284, 128),
        (1024, 668, 256),
        (1200, 800, 300),
        (1500, 1000, 400),
        (1612, 1000, 512),
        (4096, 1000, 512),
        (None, 1000, 512),
    ],
)
def test_devices_have_most_of_a_low_limit(files: int | None, devices: int, waiting: int) -> None:
    shares = share_out(files, 1000)
    assert (shares.devices, shares.waiting) == (devices, waiting)
    assert shares.lacking == max(0, 1612 - (files or 1612))


@pytest.mark.parametrize("devices", [1, 80, 1000, 64_000])
def test_the_shares_never_exceed_the_limit_and_grow_with_it(devices: int) -> None:
    before = Shares(0, 0)
    for files in range(64, files_needed(devices) + 10):
        shares = share_out(files, devices)
        # What is always open has room besides.
        assert shares.devices + shares.waiting + 40 <= files
        assert before.devices - 1 <= shares.devices <= devices
        assert before.waiting <= shares.waiting <= 512
        before = shares
    assert share_out(files_needed(devices), devices) == Shares(devices, 512)


def test_a_process_with_next_to_nothing_still_has_one_device() -> None:
    assert share_out(1, 1000).devices == 1


@pytest.mark.parametrize(
    ("waiting", "per_address"), [(512, 64), (256, 64), (64, 16), (32, 8), (16, 4), (8, 4), (0, 4)]
)
def test_one_address_has_a_part_of_those_that_may_wait(waiting: int, per_address: int) -> None:
    assert Shares(100, waiting).pending_per_address == per_address
