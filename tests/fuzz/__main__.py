"""Fuzzes one target for a while, with atheris where it is installed and Hypothesis elsewhere.

    python -m tests.fuzz TARGET SECONDS FOLDER

FOLDER keeps what was found interesting, so that the next run goes on from there. A case that breaks
something ends the run and lies in FOLDER; understood, it belongs into tests/fuzz/corpus/TARGET.
"""

import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from vaultrelay import native

try:
    import atheris
except ImportError:
    atheris = None

_LONGEST = 4600
"""Bytes of a case: more than a control message, and than the frames target's limits."""
_EXAMPLES = 100
"""Between two looks at the clock: under AddressSanitizer, a case may take a tenth of a second."""
_INSTRUMENTED = ["vaultrelay", "h11", "autobahn.websocket", "twisted.protocols.haproxy"]


def main() -> None:
    """Run what the command line asks for."""
    if sys.argv[1] == "twins" and native.code() != "native":
        sys.stderr.write("twins: skipped: there are no compiled twins\n")
        return
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) / sys.argv[1]
    folder.mkdir(parents=True, exist_ok=True)
    (_with_atheris if atheris else _with_hypothesis)(name, seconds, folder)


def _with_atheris(name: str, seconds: int, folder: Path) -> None:
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.fuzz.targets import CORPUS, TARGETS, with_an_eye_on_the_log
    words = CORPUS.parent / f"{name}.dict"
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        f"-artifact_prefix={folder}/../{name}-",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-verbosity=0",
        *([f"-dict={words}"] if words.exists() else []),
    ]
    arguments = [sys.argv[0], *options, str(folder), str(CORPUS / name)]
    atheris.Setup(arguments, with_an_eye_on_the_log(TARGETS[name]))
    atheris.Fuzz()


def _with_hypothesis(name: str, seconds: int, folder: Path) -> None:
    from tests.fuzz.targets import CORPUS, TARGETS, with_an_eye_on_the_log

    target = with_an_eye_on_the_log(TARGETS[name])
    known = [case.read_bytes() for case in sorted((CORPUS / name).iterdir())]
    changed = st.builds(
        lambda case, start, length, put: case[: start % 200] + put + case[start % 200 + length :],
        st.sampled_from(known),
        st.integers(0, 199),
        st.integers(0, 20),
        st.binary(max_size=40),
    )
    end, run = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        run += 1

        @seed(time.time_ns())
        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(st.one_of(st.binary(max_size=_LONGEST), changed))
        def batch(case: bytes) -> None:
            try:
                target(case)
            except Exception:
                (folder.parent / f"{name}-found").write_bytes(case)
                raise

        batch()
    sys.stderr.write(f"{name}: {run * _EXAMPLES} cases by Hypothesis\n")


if __name__ == "__main__":
    main()
