"""Starts a relay, asks it all that its commands can, and stops it: smoke.py COMMAND…

Standard library alone, for any system: COMMAND is what one would type for vault-relay.
"""

import subprocess
import sys
from collections.abc import Sequence
from urllib.request import urlopen

WAIT_SECONDS = 60


def main(command: Sequence[str]) -> int:
    """0 if all went well."""
    print(_said(command, "--version"))
    relay = subprocess.Popen(  # noqa: S603  whoever calls says what
        [*command, "--port", "0", "--bind", "127.0.0.1", "--log-level", "warn"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = relay.stdout.readline() if relay.stdout else ""
        print(line.strip())
        port = line.rpartition(" ")[2].strip()
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=WAIT_SECONDS) as answer:
            print(answer.read().decode())
        print(_said(command, "healthcheck", "--port", port))
        print(_said(command, "check", f"ws://127.0.0.1:{port}"))
        relay.terminate()
        status = relay.wait(WAIT_SECONDS)
    finally:
        relay.kill()
    # Windows has no signals: there its end is not the relay's own.
    return 0 if sys.platform == "win32" else status


def _said(command: Sequence[str], *arguments: str) -> str:
    """What a command of the relay's prints; it must end well."""
    done = subprocess.run(  # noqa: S603
        [*command, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
