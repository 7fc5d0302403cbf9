"""RawOption: the unparsed text of one option with its source; BadOption: the error for it."""

from dataclasses import dataclass, replace
from pathlib import Path

from twisted.python import usage

from vaultrelay.certificates.regular_file import read_file, unreadable_reason
from vaultrelay.config.suggestions import suggest_value
from vaultrelay.policy.printable import printable


class BadOption(usage.UsageError):
    """An invalid option: its source, its value, and the allowed values."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


@dataclass(frozen=True)
class RawOption:
    """The values of one option as text, and their source: a flag, a variable, or a file and key.

    `kind` is the word for a value in the help. Relative file names are relative to `folder`.
    """

    source: str
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

    @property
    def described(self) -> str:
        """The source, and the name of the file if it is one."""
        return f"{self.source}: '{self.last}'" if self.kind == "FILE" else self.source

    def text(self) -> str:
        """Return the text of that file. Raises BadOption, with the reason, if it has none."""
        try:
            return read_file(self.path).decode("utf-8-sig")
        except OSError as error:
            raise self.refuse(f"cannot be read: {unreadable_reason(self.path, error)}") from None
        except UnicodeDecodeError:
            raise self.refuse("is not UTF-8 text") from None
        except ValueError:
            raise self.refuse("is not a file name") from None

    def refuse(self, reason: str) -> BadOption:
        """Return the error for the value; `reason` is a predicate, such as "must be a number"."""
        return self.error(f"'{' '.join(self.values)}' {reason}")

    def error(self, sentence: str) -> BadOption:
        """Return the error with a sentence about the value, and a correction if one is known."""
        correction = suggest_value(self.kind, " ".join(self.values))
        return BadOption(f"{self.source}: {sentence}" + (f"; {correction}" if correction else ""))

    def only(self, value: str) -> "RawOption":
        """Return one of several values."""
        return replace(self, values=(value,))
