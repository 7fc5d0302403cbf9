"""A stream keeps Twisted's contracts: all cases, on real sockets, under each reactor.

The cases of a reactor run in one process of their own. With STREAMS_REFERENCE=1 the same cases run
on Twisted's own transports, too, so that they are Twisted's contract and not only ours. That is no
gate: Twisted's own stall now and then, where a file follows a file on one connection.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.streams.case import load_cases

HUBS: tuple[tuple[str, str], ...] = (
    ("epoll", "EpollHub"),
    ("select", "EpollHub"),
    ("select", "ReactorHub"),
    ("asyncio", "EpollHub"),
    ("poll", "ReactorHub"),
)
if os.environ.get("STREAMS_REFERENCE"):
    HUBS += (("epoll", "twisted"),)
MOST_SECONDS = 300
_ROOT = Path(__file__).parents[2]


def outcomes(reactor: str, hub: str) -> dict[tuple[str, str], str]:
    """Returns why each case failed under this reactor, or an empty string, by name and kind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.streams", reactor, hub],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert done.returncode == 0, done.stderr
    return {(name, kind): failed for name, kind, failed in lines}


@pytest.mark.parametrize(
    ("reactor", "hub"),
    [
        pytest.param(*each, marks=pytest.mark.xdist_group("-".join(each)), id="-".join(each))
        for each in HUBS
    ],
)
def test_contract(reactor: str, hub: str) -> None:
    """One test for each process; a failure names its cases."""
    found = outcomes(reactor, hub)
    wrong = []
    for case in load_cases():
        if hub == "twisted" and case.is_ours:
            continue
        for kind in case.kinds:
            failed = found.pop((case.name, kind))
            reason = case.exception(reactor, hub, kind)
            if reason and not failed:
                wrong.append(f"{case.name}, {kind}: passes, although it should not: {reason}")
            elif failed and not reason:
                wrong.append(f"{case.name}, {kind}: {failed}")
    assert not found, "cases that are not known"
    assert not wrong, "\n\n".join(wrong)
