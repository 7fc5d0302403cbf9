"""More than a thousand conversations take minutes: make test-system, and not make test."""

import os

collect_ignore_glob = [] if "SYSTEM" in os.environ else ["test_*.py"]
