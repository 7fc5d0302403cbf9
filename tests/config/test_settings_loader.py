"""SettingsLoader: what is read again, what is kept, and how it lets other threads run."""

import os
import secrets
import time
from pathlib import Path

import pytest

from tests.authority import chain, write_pair
from vaultrelay.config.settings import Settings
from vaultrelay.config.settings_loader import Reading, SettingsLoader
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.limits.files import READ_REST_FACTOR, READ_SLICE_SECONDS
from vaultrelay.wire import base64url


class Files:
    """The options of a relay, with a list of channels, tokens, and certificates in a folder."""

    def __init__(self, folder: Path) -> None:
        self.pairs, self.channels, self.tokens = (
            folder / name for name in ("pairs", "channels", "tokens")
        )
        self.pairs.mkdir()
        write_pair(self.pairs, *chain(["relay.test"]))
        self.channels.write_text(base64url.encode(bytes(32)))
        self.tokens.write_text("a-token-of-the-operators\n")
        self.reader = SettingsReader(
            {
                "listen": [f"tls:{self.pairs}:port=0"],
                "allow-channels": [str(self.channels)],
                "access-token-file": [str(self.tokens)],
            },
            {},
        )
        self.settings = self.reader.read()
        self.loader = SettingsLoader(self.reader, self.settings)

    def load(self, is_due: bool = False, everything: bool = False) -> Reading | None:
        return self.loader.load(self.settings, is_due=is_due, everything=everything)

    def reload(self, is_due: bool = False, everything: bool = False) -> Settings:
        """The settings after a change, once it has settled."""
        first = self.load(is_due, everything)
        reading = first or self.load(is_due, everything)
        assert reading is not None
        assert reading.errors == []
        return reading.settings


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_nothing_is_read_without_a_reason(files: Files) -> None:
    assert [files.load(), files.load()] == [None, None]
    due = files.load(is_due=True)
    assert due is not None
    assert not due.has_changed


def test_what_has_not_changed_is_kept(files: Files) -> None:
    before = files.settings
    files.tokens.write_text("another-token-of-theirs\n")
    after = files.reload()
    assert after.tokens != before.tokens
    assert after.channels is before.channels
    assert after.pairs is before.pairs
    os.utime(files.channels, (1, 1))
    assert files.reload().channels is before.channels


def test_a_changed_certificate_is_read_and_the_lists_are_kept(files: Files) -> None:
    before = files.settings
    write_pair(files.pairs, *chain(["relay.test"]))
    after = files.reload()
    assert after.pairs != before.pairs
    assert (after.tokens, after.channels) == (before.tokens, before.channels)
    assert after.tokens is before.tokens


def test_everything_includes_certificates_of_the_same_files(files: Files) -> None:
    after = files.reload(everything=True)
    assert after.pairs == files.settings.pairs
    assert after.certificates[0].context is not files.settings.certificates[0].context
    assert files.reload(is_due=True).certificates[0].context is after.certificates[0].context


def test_certificates_that_could_not_be_read_are_tried_again(files: Files) -> None:
    key = next(path for path in files.pairs.iterdir() if "key" in path.name)
    content = key.read_bytes()
    key.write_text("-----BEGIN")
    assert files.load() is None
    reading = files.load()
    assert reading is not None
    assert len(reading.errors) == 1
    assert reading.settings.pairs == files.settings.pairs
    again = files.load(is_due=True)
    assert again is not None
    assert again.errors == reading.errors
    key.write_bytes(content)
    assert files.reload().pairs == files.settings.pairs


def test_a_bad_list_keeps_the_old_one_and_a_good_one_is_read(files: Files) -> None:
    good = files.channels.read_text()
    files.channels.write_text("no channel\n")
    assert files.load() is None
    reading = files.load()
    assert reading is not None
    assert len(reading.errors) == 1
    assert reading.settings.channels == files.settings.channels
    files.channels.write_text(good)
    assert files.reload().channels == files.settings.channels


def test_what_hangs_can_be_named_meanwhile(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def read(path: Path) -> bytes:
        seen.append(files.loader.current)
        return path.read_bytes()

    monkeypatch.setattr("vaultrelay.config.raw_option.read_file", read)
    monkeypatch.setattr("vaultrelay.certificates.certificate_files.read_file", read)
    stat = Path.stat

    def noted_stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        seen.append(files.loader.current)
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", noted_stat)
    files.reload(everything=True)
    assert f"--access-token-file: '{files.tokens}'" in seen
    assert f"--allow-channels: '{files.channels}'" in seen
    assert "the certificates of --listen" in seen
    assert f"'{files.pairs}'" in seen


def test_long_lists_are_parsed_in_slices(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's lock is free between them; the clock is one that goes on with each look at it."""
    now, rests = [0.0], list[float]()

    def thread_time() -> float:
        now[0] += READ_SLICE_SECONDS
        return now[0]

    monkeypatch.setattr(time, "thread_time", thread_time)
    monkeypatch.setattr(time, "sleep", rests.append)
    lines = [base64url.encode(secrets.token_bytes(32)) for _ in range(1000)]
    files.channels.write_text("\n".join(lines))
    assert len(files.reload().channels or ()) == 1000
    assert len(rests) > 1000 // 16
    assert min(rests) == pytest.approx(READ_REST_FACTOR * READ_SLICE_SECONDS)


def test_certificates_are_read_in_slices(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    rests = list[float]()
    monkeypatch.setattr(time, "sleep", rests.append)
    for number in range(5):
        folder = files.pairs / str(number)
        folder.mkdir()
        write_pair(folder, *chain([f"relay{number}.test"]))
    assert len(files.reload().certificates) == 6
    assert len(rests) >= 6
