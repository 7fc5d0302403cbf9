"""A stream keeps Twisted's contracts: all cases, on real sockets, under each reactor.

The cases of a reactor run in one process of their own. The same cases run on Twisted's own
transports, so that they are Twisted's contract and not only ours.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.streams.case import KINDS, Case, load_cases

HUBS = (
    ("epoll", "EpollHub"),
    ("select", "EpollHub"),
    ("select", "ReactorHub"),
    ("asyncio", "EpollHub"),
    ("poll", "ReactorHub"),
    ("epoll", "twisted"),
)
MOST_SECONDS = 300
_ROOT = Path(__file__).parents[2]


@cache
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


def _parameters() -> list[object]:
    found: list[object] = []
    for reactor, hub in HUBS:
        group = pytest.mark.xdist_group(f"{reactor}-{hub}")
        for case in load_cases():
            if hub == "twisted" and case.is_ours:
                continue
            for kind in KINDS:
                if kind in case.kinds:
                    id = f"{reactor}-{hub}-{kind}-{case.name}"
                    found.append(pytest.param(reactor, hub, kind, case, marks=group, id=id))
    return found


@pytest.mark.parametrize(("reactor", "hub", "kind", "case"), _parameters())
def test_contract(reactor: str, hub: str, kind: str, case: Case) -> None:
    failed = outcomes(reactor, hub)[case.name, kind]
    reason = case.exception(reactor, hub, kind)
    if reason:
        assert failed, f"passes, although it should not: {reason}"
    else:
        assert not failed, failed
