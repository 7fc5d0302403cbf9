"""The contract of a stream, on real sockets: make test-system, and not make test."""

import os

collect_ignore_glob = [] if "SYSTEM" in os.environ else ["test_*.py"]
