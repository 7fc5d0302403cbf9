"""What needs HAProxy and several relays, for minutes: make test-cluster, and not make test."""

import os
from collections.abc import Callable

import pytest

collect_ignore_glob = [] if "CLUSTER" in os.environ else ["test_*.py"]
_figures: list[str] = []


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a line of what was measured, to be shown at the end. No test judges it."""
    return lambda text: _figures.append(f"{request.node.name}: {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    if _figures:
        terminalreporter.section("measured")
        for line in _figures:
            terminalreporter.line(line)
