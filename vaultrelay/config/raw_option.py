"""Given: the texts of one option and their origin, and the error for a value that is invalid."""

from dataclasses import dataclass, replace
from pathlib import Path

from twisted.python import usage

from vaultrelay.certificates.regular_file import read_file, unreadable_reason
from vaultrelay.config.suggestions import hint
from vaultrelay.logs import printable


class BadOption(usage.UsageError):
    """An invalid option: its origin, its value, and the allowed values."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


@dataclass(frozen=True)
class Given:
    """The values of one option and their origin: a flag, a variable, or a file and key.

    `kind` is the word for a value in the help. Relative file names are relative to `folder`.
    """

    origin: str
    values: tuple[str, ...]
    kind: str = ""
    folder: str = ""

    @property
    def last(self) -> str:
        """The value of an option that has one: the last of repeated flags."""
        return self.values[-1]

    @property
    def path(self) -> Path:
        """The file that the last value names, relative to the start folder of the process."""
        return Path(self.folder, self.last)

    def text(self, not_text: str = "is not UTF-8 text") -> str:
        """Return the text of that file. Raises BadOption, with the reason, if it has none."""
        try:
            return read_file(self.path).decode("utf-8-sig")
        except OSError as error:
            raise self.refuse(f"cannot be read: {unreadable_reason(self.path, error)}") from None
        except UnicodeDecodeError:
            raise self.refuse(not_text) from None
        except ValueError:
            raise self.refuse("is not a file name") from None

    def refuse(self, allowed: str) -> BadOption:
        """Return the error for a value outside the allowed ones."""
        return self.wrong(f"'{' '.join(self.values)}' {allowed}")

    def wrong(self, sentence: str) -> BadOption:
        """Return the error with a sentence about the value, and a correction if one is known."""
        instead = hint(self.kind, " ".join(self.values))
        return BadOption(f"{self.origin}: {sentence}" + (f"; {instead}" if instead else ""))

    def only(self, value: str) -> "Given":
        """Return one of several values."""
        return replace(self, values=(value,))
