"""What clients see of the relay is what they saw: transcripts through real sockets, played again.

After a change that clients are meant to see: python -m tests.transcripts update, and read the diff.
"""

from pathlib import Path

import pytest

from tests.transcripts.play import play_all, recorded, server_kinds


@pytest.mark.parametrize("kind", server_kinds())
def test_clients_see_what_was_recorded(kind: str, tmp_path: Path) -> None:
    expected = recorded(kind)
    played = dict(play_all(kind, tmp_path, expected))
    assert {name: events for name, events in played.items() if events != expected.get(name)} == {}
    assert played.keys() == expected.keys()
