"""Records transcripts of the relay, or plays them again: python -m tests.transcripts record."""

import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

from tests.transcripts.play import play_all, record, recorded, server_kinds


def main(arguments: list[str]) -> int:
    """`record` or `replay`, and the kinds of server; all of them if none is named."""
    verb, *kinds = arguments or ["replay"]
    kinds = kinds or server_kinds()
    with tempfile.TemporaryDirectory(prefix="transcripts-") as folder:
        if verb == "record":
            print(f"{record(kinds, Path(folder))} transcripts recorded")
            return 0
        played = differing = 0
        for kind in kinds:
            expected = recorded(kind)
            for name, events in play_all(kind, Path(folder) / kind, expected):
                played += 1
                if events != expected.get(name):
                    differing += 1
                    print(f"--- {name}")
                    print("\n".join(unified_diff(expected.get(name, []), events, lineterm="")))
        print(f"{played} transcripts played, {differing} differ")
        return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
