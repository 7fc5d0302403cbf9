"""The Autobahn|Testsuite against the relay's frame layer: make conformance.

    .venv/bin/python -m tests.conformance FOLDER

FOLDER is what `install.sh` filled; the reports go there, too. Fails when a case is worse than OK.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

GROUPS = (1, 2, 3, 4, 5, 6, 7, 9, 10)
"""All but compression, which the relay never takes, and 8, which there is none."""
GOOD = {"OK", "INFORMATIONAL"}
MAX_SECONDS = 240


def main() -> None:
    """Start the echo, run the fuzzing client against it, and judge its report."""
    folder = Path(sys.argv[1]).resolve()
    echo = subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.echo_relay"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert echo.stdout is not None
        port = int(echo.stdout.readline())
        found = _run(folder, port)
    finally:
        echo.terminate()
        echo.wait()
    verdicts = Counter(verdict for verdicts in found.values() for verdict in verdicts)
    print(f"{len(found)} cases; behaviour and close: {dict(verdicts)}; {folder}/reports/index.html")
    bad = {case: verdicts for case, verdicts in found.items() if not set(verdicts) <= GOOD}
    if bad or not found:
        sys.exit(f"Not as RFC 6455 has it: {bad}")


def _run(folder: Path, port: int) -> dict[str, tuple[str, str]]:
    """Behaviour and close of each case."""
    reports = folder / "reports"
    index = reports / "index.json"
    index.unlink(missing_ok=True)
    specification = folder / "specification.json"
    specification.write_text(
        json.dumps(
            {
                "outdir": str(reports),
                "servers": [{"agent": "relay", "url": f"ws://127.0.0.1:{port}"}],
                "cases": [f"{group}.*" for group in GROUPS],
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    with (folder / "wstest.log").open("w") as log:
        subprocess.run(
            [folder / "bin" / "wstest", "-m", "fuzzingclient", "-s", specification],
            check=True,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=MAX_SECONDS,
        )
    cases = json.loads(index.read_text())["relay"]
    return {case: (said["behavior"], said["behaviorClose"]) for case, said in cases.items()}


if __name__ == "__main__":
    main()
