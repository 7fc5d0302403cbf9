"""DrainTurns: whole channels at a time, evenly spread."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.broker.fakes import Relay


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 60))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_drain_closes_whole_channels_evenly(sizes: list[int], seconds: int) -> None:
    relay = Relay()
    channels = [relay.meet(size, vault) for vault, size in enumerate(sizes)]
    relay.broker.drain(seconds)
    for second in range(1, seconds + 1):
        relay.wait(1)
        closed = 0
        for members in channels:
            here = [member for member in members if not member.closed()]
            assert here in ([], members), "one part of a channel would be elsewhere already"
            closed += len(members) - len(here)
        due = sum(sizes) * second / seconds
        assert due - max(sizes) < closed <= due
    assert not relay.broker.sessions
