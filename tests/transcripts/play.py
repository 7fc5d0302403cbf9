"""Plays scenarios and compares, or records, their transcripts."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.transcripts.scenarios import Scenario, all_scenarios
from tests.transcripts.servers import Server, serving
from tests.transcripts.world import LINE_1, World

RECORDED = Path(__file__).with_name("recorded")
_AT_ONCE = 4
"""Processes of their own at the same time, while nothing is recorded."""
Transcript = dict[str, list[str]]


def server_kinds() -> list[str]:
    """All ways to listen, in the order in which they are played."""
    return list(dict.fromkeys(scenario.server for scenario in all_scenarios()))


def recorded(kind: str) -> Transcript:
    """What was recorded of one server."""
    lines = (RECORDED / f"{kind}.jsonl").read_text("utf-8").splitlines()
    return dict(json.loads(line) for line in lines)


def play_all(
    kind: str, folder: Path, expected: Transcript | None
) -> Iterator[tuple[str, list[str]]]:
    """Each scenario of one server with its transcript."""
    scenarios = [scenario for scenario in all_scenarios() if scenario.server == kind]
    if kind.startswith("own-"):
        yield from _play_apart(kind, scenarios, folder, expected)
        return
    with serving(kind, folder) as server:
        for scenario in scenarios:
            yield scenario.name, _play(scenario, server, expected, counted=True)


def _play_apart(
    kind: str, scenarios: list[Scenario], folder: Path, expected: Transcript | None
) -> Iterator[tuple[str, list[str]]]:
    """Each scenario in a process of its own; several at once, which mostly wait."""

    def play(scenario: Scenario) -> tuple[str, list[str]]:
        with serving(kind, folder / str(scenarios.index(scenario))) as server:
            return scenario.name, _play(scenario, server, expected, counted=False)

    # Silence ends a read while recording: nothing may delay what comes.
    with ThreadPoolExecutor(1 if expected is None else _AT_ONCE) as pool:
        yield from pool.map(play, scenarios)


def _play(
    scenario: Scenario, server: Server, expected: Transcript | None, counted: bool
) -> list[str]:
    wanted = None if expected is None else expected.get(scenario.name, [])
    line = LINE_1 if "proxied" in scenario.server else b""
    world = World(scenario.name, server.dial, server.tls, line, wanted, server=server)
    before = server.counters() if counted else None
    try:
        scenario.play(world)
    finally:
        world.close()
    if before is not None:
        counts = server.counters() - before
        world.note(
            " ".join(
                f"{name}+{count}"
                for name, count in sorted(counts.items())
                if not name.startswith(world.uncounted)
            )
        )
    return world.events


def write(kind: str, transcripts: Transcript) -> None:
    """Keep what was played to one server."""
    lines = [json.dumps(pair, ensure_ascii=False) for pair in transcripts.items()]
    (RECORDED / f"{kind}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
