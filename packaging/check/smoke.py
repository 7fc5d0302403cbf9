"""Starts a relay, asks it all that its commands can, and stops it.

smoke.py [--root FOLDER] COMMAND…

Standard library alone, for any system: COMMAND is what one would type for vault-relay, FOLDER the
root of the system in which it runs, by default this one's.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

WAIT_SECONDS = 60
# The relay creates it, since it accepts only a folder of its own user, possibly in another root.
MAILBOX = Path(f"/tmp/vault-relay-smoke-{os.getpid()}")  # noqa: S108  the relay checks who owns it


def main(command: Sequence[str], root: Path) -> int:
    """0 if all went well."""
    print(_said(command, "--version"))
    # A mailbox needs locks and file modes that Windows does not have.
    if (status := _try(command)) or sys.platform == "win32":
        return status
    try:
        return _try(command, "--mailbox", str(MAILBOX), "--mailbox-open")
    finally:
        shutil.rmtree(root / MAILBOX.relative_to("/"), ignore_errors=True)


def _try(command: Sequence[str], *options: str) -> int:
    """The exit status of a relay with these options, after it was asked all."""
    relay = subprocess.Popen(  # noqa: S603  whoever calls says what
        [*command, "--port", "0", "--bind", "127.0.0.1", "--log-level", "error", *options],
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
        checked = _said(command, "check", "--json", f"ws://127.0.0.1:{port}")
        print(checked)
        if ("item_bytes" in checked) is not ("--mailbox" in options):
            raise SystemExit(
                "check finds a mailbox where there is none, or none where there is one"
            )
        relay.terminate()
        status = relay.wait(WAIT_SECONDS)
    finally:
        relay.kill()
    # Windows has no signals: there its end is not the relay's own.
    return 0 if sys.platform == "win32" else status


def _said(command: Sequence[str], *arguments: str) -> str:
    """What a command of the relay's prints; it must end well."""
    done = subprocess.run(  # noqa: S603  the command is the caller's
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
    _, *words = sys.argv
    if words[:1] == ["--root"]:
        sys.exit(main(words[2:], Path(words[1])))
    sys.exit(main(words, Path("/")))
