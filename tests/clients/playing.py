"""Plays cases of the kit to a client of the test, on a network in memory."""

import random
from collections.abc import Callable
from typing import Any

from tests.clients.network import Network
from vaultrelay.conformance.case import Case
from vaultrelay.conformance.runner import Result, Runner, Verdict

PATIENCE = 0.3
"""Seconds for each step on the network's clock, which moves only when both sides are idle."""


def failures(driver: Callable[[Any], Any], cases: list[Case]) -> dict[str, Result]:
    """Return the results of the cases that fail, by their names. The waits of a client are the same
    on every run."""
    random.seed(0)
    network = Network()
    results: list[Result] = []
    network.run(Runner(network, lambda: driver(network), PATIENCE).run(cases, results.append))
    return {each.case.name: each for each in results if each.verdict is Verdict.FAILED}
