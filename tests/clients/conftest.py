"""Clients under the conformance kit: most by make test-clients, and not by make test."""

import os
from collections.abc import Iterator

import pytest
from autobahn.twisted import websocket
from autobahn.websocket import protocol

collect_ignore_glob = (
    [] if "CLIENTS" in os.environ else ["test_python_client.py", "test_wrong_*.py"]
)


@pytest.fixture(scope="session", autouse=True)
def _no_debug_lines() -> Iterator[None]:
    """Replace the functions by which Autobahn describes each of 100,000 connections for a debug log
    that is off: they take a quarter of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (protocol, websocket):
            for name in ("hltype", "hlval", "pformat"):
                patch.setattr(module, name, lambda described: "", raising=False)
        yield
