"""Clients under the conformance kit: most by make test-clients, and not by make test."""

import os

collect_ignore_glob = (
    [] if "CLIENTS" in os.environ else ["test_python_client.py", "test_wrong_*.py"]
)
