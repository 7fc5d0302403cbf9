"""Runs the cases under one reactor: python -m tests.streams REACTOR HUB. One line for each case."""

import json
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.streams.case import KINDS, Case, load_cases

CASE_SECONDS = 12
DIFFERENT_SECONDS = 0.7
"""For what Twisted's own transport does not do, and may wait for in vain."""


async def run_one(place: Any, case: Case, kind: str) -> str:
    """Returns an empty string, or why the case failed."""
    from twisted.internet.defer import Deferred

    from tests.streams.world import World

    world = World(place, kind)

    async def body() -> None:
        await world.start()
        await case.run(world)
        await world.finish()

    differs = case.exception(place.name, place.hub, kind)
    running = Deferred.fromCoroutine(body())
    running.addTimeout(DIFFERENT_SECONDS if differs else CASE_SECONDS, place.reactor)
    failed = ""
    try:
        await running
    except Exception:
        failed = f"{traceback.format_exc()}\nwaited for: {getattr(world, 'awaited', '')}"
    await world.clean_up()
    checking = Deferred.fromCoroutine(world.check_left())
    checking.addTimeout(CASE_SECONDS if not failed else 0.5, place.reactor)
    try:
        await checking
    except Exception:
        failed = f"{failed}\nAfterwards: {traceback.format_exc()}"
    return failed


async def run_all(reactor: Any, name: str, hub: str, only: str) -> None:
    from tests.streams.world import Place

    with tempfile.TemporaryDirectory() as folder:
        place = Place(reactor, name, hub, Path(folder))
        reactor.callInThread(int)
        for case in load_cases():
            for kind in KINDS:
                if kind not in case.kinds or (hub == "twisted" and case.is_ours):
                    continue
                if not case.name.startswith(only):
                    continue
                failed = await run_one(place, case, kind)
                print(json.dumps([case.name, kind, failed]), flush=True)


def main(reactor_name: str, hub: str, only: str = "") -> None:
    import_module(f"twisted.internet.{reactor_name}reactor").install()
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    found: Any = reactor

    def done(result: Any) -> None:
        if result is not None:
            result.printTraceback()
        found.stop()

    found.callWhenRunning(
        lambda: Deferred.fromCoroutine(run_all(found, reactor_name, hub, only)).addBoth(done)
    )
    found.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
