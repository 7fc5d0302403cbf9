"""The comparison of twins finds one that does something else."""

from collections.abc import Iterator

import pytest

from tests.fuzz import pure_twins as places
from tests.fuzz.oracle import Breach
from tests.fuzz.pure_twins import pure_twins
from tests.fuzz.twins_target import twins
from vaultrelay import native
from vaultrelay.wire import data


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A twin of check_data that reads another id."""
    chosen = data.check_data

    def other(message: bytes, session: int) -> tuple[int, int]:
        to, id = chosen(message, session)
        return to, id + 1

    monkeypatch.setitem(native.pairs, chosen, (other, chosen))
    places._places.cache_clear()
    yield
    places._places.cache_clear()


@pytest.mark.usefixtures("wrong")
def test_another_result_is_a_breach() -> None:
    with pytest.raises(Breach, match=r"compiled: \(2, 3\), pure: \(2, 4\)"):
        twins(b"\0" + data.pack_data(2, 1, 3, b"secret"))


@pytest.mark.compiled
def test_all_names_of_a_twin_are_replaced_and_given_back() -> None:
    from vaultrelay.broker import session

    chosen = data.check_data
    pure, compiled = native.pairs[chosen]
    with pure_twins():
        assert data.check_data is vars(session)["check_data"] is pure
    assert data.check_data is vars(session)["check_data"] is chosen is compiled
