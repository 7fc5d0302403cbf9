"""Options of ``twistd vault-relay``: what they add to those of the configuration."""

import pytest

from vaultrelay import __version__
from vaultrelay.app.twistd_plugin import Options
from vaultrelay.native import code


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Options().parseOptions(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"vault-relay {__version__} ({code()})\n"
