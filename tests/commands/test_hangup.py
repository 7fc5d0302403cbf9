"""SIGHUP where there is nothing to reload."""

import os
import signal

from vaultrelay.commands.hangup import ignore_hangup


def test_it_does_nothing() -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        ignore_hangup()
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
