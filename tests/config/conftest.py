"""A folder with the files that options name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vaultrelay.wire import base64url


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("options")


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to be in, with the files that options name."""
    monkeypatch.chdir(home)
    for count in (1, 2, 3):
        numbers = range(count)
        Path(f"tokens{count}").write_text("".join(f"access-token-{n:04}\n" for n in numbers))
        channels = [base64url.encode(bytes([n] * 32)) + "\n" for n in numbers]
        Path(f"channels{count}").write_text("".join(channels))
    yield home
    for path in home.iterdir():
        path.unlink()
