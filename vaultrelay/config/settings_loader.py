"""SettingsLoader: checks the files of options and reads those that changed, for a thread."""

import time
from dataclasses import dataclass
from pathlib import Path

from vaultrelay.config.file_watcher import FileWatcher
from vaultrelay.config.settings import Settings
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.limits.files import READ_REST_FACTOR, READ_SLICE_SECONDS


@dataclass(frozen=True)
class Reading:
    """The settings as read, a sentence for each invalid option, and whether a file has changed."""

    settings: Settings
    errors: list[str]
    has_changed: bool


class SettingsLoader:
    """Files of options, in the state in which they were last read.

    `load` may run in any thread, one call at a time; `current` can be read meanwhile.
    """

    def __init__(self, reader: SettingsReader, settings: Settings) -> None:
        self._reader = reader
        self._slice_began = time.thread_time()
        self._files = FileWatcher(*reader.files(settings), rest=self._rest)

    @property
    def current(self) -> str:
        """What is being checked or read: an option with its file, if known."""
        file: Path | None = self._files.current
        return self._reader.current if file is None else f"'{file}'"

    def load(self, running: Settings, *, is_due: bool, everything: bool) -> Reading | None:
        """Return the settings; None if no file has changed.

        `is_due`: read in any case, `everything` even the certificates whose files are the same.
        """
        self._slice_began = time.thread_time()
        changed = self._files.changed()
        if not (changed or is_due or everything):
            return None
        settings, errors = self._reader.read_all(
            running, changed=None if everything else changed, rest=self._rest
        )
        self._files.watch(*self._reader.files(settings, running))
        return Reading(settings, errors, bool(changed))

    def _rest(self) -> None:
        """Release Python's lock after each slice, or each call of the reactor waits 5 ms for it."""
        worked = time.thread_time() - self._slice_began
        if worked >= READ_SLICE_SECONDS:
            time.sleep(READ_REST_FACTOR * worked)
            self._slice_began = time.thread_time()
