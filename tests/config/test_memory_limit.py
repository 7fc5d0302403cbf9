"""The memory that the relay takes for its own share: the machine's, or its control group's."""

from pathlib import Path

import pytest

from vaultrelay.config.memory_limit import memory_bytes

MACHINE = 8_000_000_000


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_PHYS_PAGES": MACHINE // 1000, "SC_PAGE_SIZE": 1000}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert memory_bytes(tmp_path / "none", tmp_path / "none") == MACHINE


def test_the_machine_has_some() -> None:
    assert memory_bytes() > 0


def test_the_memory_of_the_machine_may_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()

    def refuse(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr("os.sysconf", refuse)
    assert memory_bytes(tmp_path, tmp_path / "none") == 0


def test_a_group_or_one_above_it_may_allow_less(tmp_path: Path) -> None:
    own = write(tmp_path / "cgroup", "0::/system.slice/relay.service\n")
    write(tmp_path / "system.slice/relay.service/memory.max", "max\n")
    assert memory_bytes(tmp_path, own) == MACHINE
    write(tmp_path / "system.slice/memory.max", "2000000\n")
    assert memory_bytes(tmp_path, own) == 2_000_000
    write(tmp_path / "system.slice/relay.service/memory.max", "1000000\n")
    assert memory_bytes(tmp_path, own) == 1_000_000


def test_a_group_of_version_1_counts_when_it_is_less(tmp_path: Path) -> None:
    own = write(tmp_path / "cgroup", "9:memory:/docker/abc\n")
    limit = tmp_path / "memory/memory.limit_in_bytes"
    write(limit, "9223372036854771712\n")
    assert memory_bytes(tmp_path, own) == MACHINE
    write(limit, "500000000\n")
    assert memory_bytes(tmp_path, own) == 500_000_000


@pytest.mark.parametrize("text", ["", "?", "-1", "\u0663", "12x"])
def test_what_is_no_number_says_nothing(tmp_path: Path, text: str) -> None:
    own = write(tmp_path / "cgroup", "0::/\n\n0\nx")
    write(tmp_path / "memory.max", text)
    assert memory_bytes(tmp_path, own) == MACHINE
