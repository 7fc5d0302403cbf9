"""Kinds: the values that an option may have, their parsing from text, and their display."""

from collections.abc import Callable, Collection, Mapping, Sized
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from vaultrelay.config.raw_option import BadOption, RawOption
from vaultrelay.config.suggestions import MAX_DIGITS
from vaultrelay.policy.access_lists import BadLine
from vaultrelay.policy.rest import Rest, no_rest

Lists: TypeAlias = dict[tuple[str, Path], tuple[bytes, Sized]]
"""Lists by their noun and file, each with the SHA-256 of the file's text."""


SWITCH_WORDS = ("yes", "no")


@dataclass
class ParseContext:
    """The context for parsing an option: all `raw` options by name, the reactor of endpoint
    strings, and the `values` parsed so far, by field. `running` are the settings of a running
    relay; None at the start. `rest` is called often while long files are read. `lists` are those
    parsed so far, `old_lists` those of the last time, which are not parsed again."""

    raw: Mapping[str, RawOption]
    reactor: Any
    running: Any = None
    rest: Rest = no_rest
    values: dict[str, Any] = field(default_factory=dict)
    lists: Lists = field(default_factory=dict)
    old_lists: Lists = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A text. `value` is the word for it in the help, `empty` the display of an empty value."""

    value: str
    check: Callable[[RawOption, ParseContext], Any] = lambda raw, context: raw.last
    empty: str = "-"

    def read(self, raw: RawOption, context: ParseContext) -> Any:
        """Return the value. Raises BadOption if the text is not one."""
        return self.check(raw, context)

    def show(self, value: Any) -> object:
        """Return a value for display: a number or a text."""
        if isinstance(value, int):
            return value
        if not value:
            return "-" if value is None else self.empty
        return " ".join(value) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number within a range, both ends included.

    `messages`: a number of bytes that is enough for so many messages of --message-bytes. A relay
    without room for its own messages would close each device that sends one.
    """

    value: str = "NUMBER"
    within: tuple[int, int] = (0, 0)
    messages: int = 0

    def read(self, raw: RawOption, context: ParseContext) -> int:
        text = raw.last.strip()
        lowest = max(self.within[0], self.messages * context.values.get("message_bytes", 0))
        is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
        if not is_number or not lowest <= int(text) <= self.within[1]:
            raise raw.refuse(f"must be a whole number from {lowest} to {self.within[1]}")
        return int(text)

    def described(self) -> str:
        return f"a whole number from {self.within[0]} to {self.within[1]}"


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    words: Collection[str] = ()

    def read(self, raw: RawOption, context: ParseContext) -> str:
        if raw.last not in self.words:
            raise raw.refuse(f"must be {self.described()}")
        return raw.last

    def described(self) -> str:
        return "one of " + ", ".join(self.words)


@dataclass(frozen=True)
class Switch(Kind):
    """Yes or no. The flag has no value: it stands for yes."""

    value: str = ""

    def read(self, raw: RawOption, context: ParseContext) -> bool:
        if raw.last not in SWITCH_WORDS:
            raise raw.refuse("must be yes or no")
        return raw.last == "yes"

    def show(self, value: bool) -> object:
        return "yes" if value else "no"


@dataclass(frozen=True)
class Listed(Kind):
    """Several values, each read by `one`, which raises ValueError; `template` makes it a sentence.

    `join` combines them into one value, of at most `maximum` elements; `noun` is their name in the
    error. `if_empty` is the error for an empty list; a running relay accepts it.
    """

    one: Callable[[str], Any] = str
    template: str = "{error}"
    join: Callable[[tuple[Any, ...], RawOption], Any] = lambda values, raw: values
    maximum: int | None = None
    noun: str = ""
    if_empty: str = ""

    def read(self, raw: RawOption, context: ParseContext) -> Any:
        if self.maximum is not None and len(raw.values) > self.maximum:
            raise BadOption(f"{raw.source}: more than {self.maximum} {self.noun}")
        if self.if_empty and not raw.values and context.running is None:
            raise BadOption(f"{raw.source}: {self.if_empty}")
        values = []
        for text in raw.values:
            try:
                values.append(self.one(text))
            except ValueError as error:
                raise raw.only(text).error(self.template.format(text=text, error=error)) from None
        return self.join(tuple(values), raw)


@dataclass(frozen=True)
class ListFile(Kind):
    """A file with a list, one `noun` a line. `if_empty` is the error for an empty list;
    a running relay accepts it, and admits no device."""

    lines: Callable[[str, Rest], Sized] = lambda text, rest: text.split()
    noun: str = ""
    if_empty: str = ""

    def read(self, raw: RawOption, context: ParseContext) -> Sized:
        text = raw.text()
        key, digest = (self.noun, raw.path), sha256(text.encode()).digest()
        old_digest, listed = context.old_lists.get(key, (b"", ()))
        if digest != old_digest:
            try:
                listed = self.lines(text, context.rest)
            except BadLine as error:
                raise raw.refuse(str(error)) from None
        context.lists[key] = digest, listed
        if not listed and context.running is None:
            raise raw.refuse(self.if_empty)
        return listed

    def show(self, value: Sized | None) -> object:
        if value is None:
            return "-"
        return f"({len(value)} {self.noun}{'' if len(value) == 1 else 's'})"
