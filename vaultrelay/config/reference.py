"""The reference of options for the documentation, as reStructuredText of Sphinx."""

from collections.abc import Iterable, Iterator

from vaultrelay.config.help_text import notes
from vaultrelay.config.notes import assignment, in_file, range_note, reload_note
from vaultrelay.config.option import Option, by_group


def options_page(options: Iterable[Option], title: str = "Options") -> str:
    """Return the page: the notes on all options, then each of them in its group."""
    options = tuple(options)
    lines = [title, "=" * len(title)]
    for text in notes(options):
        lines += ["", text.replace("--", r"\--")]
    for group, members in by_group(options).items():
        lines += ["", group, "-" * len(group)]
        for option in members:
            lines += _entry(option)
    return "\n".join(lines) + "\n"


def _entry(option: Option) -> Iterator[str]:
    yield from ("", f".. option:: --{option.name} {option.value}", "")
    yield "   " + option.help.replace("--", r"\--").replace("*", r"\*")
    yield ""
    yield f"   :Variable: ``{option.variable}``"
    if option.default:
        yield f"   :Default: ``{option.default}``"
    if value := range_note(option):
        yield f"   :Value: {value}"
    if option.repeatable:
        yield "   :Repeatable: yes"
    for each in in_file([option]):
        yield f"   :File: ``{assignment(each)}``"
        yield f"   :Reload: {reload_note(each) or 'Takes effect.'}"
