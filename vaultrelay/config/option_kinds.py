"""Kinds: the values that an option may have, their parsing from text, and their display."""

from collections.abc import Callable, Collection, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Any

from vaultrelay.config.raw_option import BadOption, Given
from vaultrelay.config.suggestions import LONGEST_NUMBER
from vaultrelay.policy.access_lists import BadLine


@dataclass
class Reading:
    """The context for reading an option: all options as `given`, the reactor of endpoint strings,
    and the `values` read so far, by field. `kept` are the settings of a running relay; None at the
    start."""

    given: Mapping[str, Given]
    reactor: Any
    kept: Any = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A text. `value` is the word for it in the help, `empty` the display of an empty value."""

    value: str
    check: Callable[[Given, Reading], Any] = lambda given, reading: given.last
    empty: str = "-"

    def read(self, given: Given, reading: Reading) -> Any:
        """Return the value. Raises BadOption if the text is not one."""
        return self.check(given, reading)

    def show(self, value: Any) -> object:
        """Return a value for display: a number or a text."""
        if isinstance(value, int):
            return value
        if not value:
            return "-" if value is None else self.empty
        return " ".join(value) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number within a range, both ends included."""

    value: str = "NUMBER"
    within: tuple[int, int] = (0, 0)

    def read(self, given: Given, reading: Reading) -> int:
        text = given.last.strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        if not is_number or not self.within[0] <= int(text) <= self.within[1]:
            raise given.refuse(f"must be {self.described()}")
        return int(text)

    def described(self) -> str:
        return f"a whole number from {self.within[0]} to {self.within[1]}"


@dataclass(frozen=True)
class Buffer(Integer):
    """A number of bytes that is enough for `messages` messages of --message-bytes.

    A relay without room for its own messages would close each device that sends one.
    """

    messages: int = 1

    def read(self, given: Given, reading: Reading) -> int:
        minimum = self.messages * reading.values["message_bytes"]
        return Integer.read(replace(self, within=(minimum, self.within[1])), given, reading)


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    words: Collection[str] = ()

    def read(self, given: Given, reading: Reading) -> str:
        if given.last not in self.words:
            raise given.refuse(f"must be {self.described()}")
        return given.last

    def described(self) -> str:
        return "one of " + ", ".join(self.words)


@dataclass(frozen=True)
class Listed(Kind):
    """Several values, each read by `one`, which raises ValueError; `wrong` makes a sentence of it.

    `join` combines them into one value, of at most `maximum` elements; `noun` is their name in the
    error. `nothing` is the error for an empty list at the start; a running relay takes it.
    """

    check: Callable[[Given, Reading], Any] = lambda given, reading: None
    one: Callable[[str], Any] = str
    wrong: str = "{error}"
    join: Callable[[tuple[Any, ...], Given], Any] = lambda values, given: values
    maximum: int | None = None
    noun: str = ""
    nothing: str = ""

    def read(self, given: Given, reading: Reading) -> Any:
        if self.maximum is not None and len(given.values) > self.maximum:
            raise BadOption(f"{given.origin}: more than {self.maximum} {self.noun}")
        if self.nothing and not given.values and reading.kept is None:
            raise BadOption(f"{given.origin}: {self.nothing}")
        self.check(given, reading)
        values = []
        for text in given.values:
            try:
                values.append(self.one(text))
            except ValueError as error:
                raise given.only(text).wrong(self.wrong.format(text=text, error=error)) from None
        return self.join(tuple(values), given)


@dataclass(frozen=True)
class ListFile(Kind):
    """A file with a list, one `noun` a line. `nothing` is the error for an empty list at the start;
    in a running relay an empty list admits no device."""

    lines: Callable[[str], Sized] = str.split
    noun: str = ""
    nothing: str = ""

    def read(self, given: Given, reading: Reading) -> Sized:
        text = given.text()
        try:
            listed = self.lines(text)
        except BadLine as error:
            raise given.refuse(str(error)) from None
        if not listed and reading.kept is None:
            raise given.refuse(self.nothing)
        return listed

    def show(self, value: Sized | None) -> object:
        if value is None:
            return "-"
        return f"({len(value)} {self.noun}{'' if len(value) == 1 else 's'})"
