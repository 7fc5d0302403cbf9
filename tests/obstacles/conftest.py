"""Obstacles take minutes, root and other people's programs: make obstacles, and not make test."""

import os

collect_ignore_glob = [] if "OBSTACLES" in os.environ else ["test_*.py"]
