"""System tests need other people's programs: make test-system, and not make test."""

import os

collect_ignore_glob = [] if "SYSTEM" in os.environ else ["test_*.py"]
