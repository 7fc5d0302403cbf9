"""A relay with a mailbox, and what its disk does."""

import secrets
import subprocess
from contextlib import ExitStack
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from benchmarks.trials.stage import Stage, Terms
from benchmarks.trials.stream import Target

_WITHOUT_LIMITS = (
    *("--mailbox-channel-bytes", str(10**12), "--mailbox-channel-items", str(10**9)),
    *("--mailbox-bytes", str(10**12), "--mailbox-address-bytes", str(10**12)),
)
"""All writers have one address here, and store more than a channel may hold."""


class MailboxStage:
    """A relay with a mailbox in a folder of its own, or as it is without one."""

    def __init__(
        self, stack: ExitStack, terms: Terms, *flags: str, has_mailbox: bool = True
    ) -> None:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        self._slow, self._syncs = folder / "slow", folder / "syncs"
        self._syncs.touch()
        box = ("--mailbox", str(folder / "mailbox"), "--mailbox-open", *_WITHOUT_LIMITS)
        shim = {"LD_PRELOAD": str(_shim(folder)), "SLOW": str(self._slow)}
        self.stage = Stage(
            stack,
            terms,
            *("--log-level", "error", *flags, *(box if has_mailbox else ())),
            is_watched=True,
            **shim,
            SYNCS=str(self._syncs),
        )
        self.target = Target(self.stage.relay.port, terms.tls)

    @property
    def syncs(self) -> int:
        """Syncs of the write-ahead log so far: one for each commit and each checkpoint."""
        return self._syncs.stat().st_size

    def hold_syncs(self) -> None:
        """Let each sync take ten seconds."""
        self._slow.touch()

    def release_syncs(self) -> None:
        """Let them be as quick as the disk."""
        self._slow.unlink()


def _shim(folder: Path) -> Path:
    source, built = Path(__file__).with_name("slow_sync.c"), folder / "slow_sync.so"
    subprocess.run(
        [which("cc") or "cc", "-shared", "-fPIC", "-O1", "-o", built, source, "-ldl"], check=True
    )
    return built


def seeds(count: int, per_channel: int) -> list[bytes]:
    """Channels of so many devices in all."""
    return [secrets.token_bytes(32) for _ in range(count // per_channel)] * per_channel
