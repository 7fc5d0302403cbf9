"""Plays the recorded transcripts again, or writes down what differs.

::

    python -m tests.transcripts replay [SERVER...]    compare; exit status 1 if any differs
    python -m tests.transcripts update [SERVER...]    compare, and keep what this relay does
    python -m tests.transcripts record [SERVER...]    record all anew, on a quiet machine

VAULT_RELAY_BIN names the folder of another relay's command.
"""

import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

from tests.transcripts.play import Transcript, play_all, recorded, server_kinds, write

VERBS = ("replay", "update", "record")


def main(arguments: list[str]) -> int:
    """`arguments` are a verb and the kinds of server; all of them if none is named."""
    verb, *kinds = arguments or ["replay"]
    if verb not in VERBS:
        print(__doc__, file=sys.stderr)
        return 2
    played = differing = 0
    with tempfile.TemporaryDirectory(prefix="transcripts-") as folder:
        for kind in kinds or server_kinds():
            expected = None if verb == "record" else recorded(kind)
            found: Transcript = {}
            for name, events in play_all(kind, Path(folder) / kind, expected):
                found[name] = events
                if expected is not None and events != expected.get(name):
                    differing += 1
                    print(f"--- {name}")
                    print("\n".join(unified_diff(expected.get(name, []), events, lineterm="")))
            played += len(found)
            if verb != "replay":
                write(kind, found)
    print(f"{played} transcripts played, {differing} differ")
    return 1 if verb == "replay" and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
