"""The tables of the reference pages, as reStructuredText."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import declared

_FEW = 8
_CODE = re.compile(r"(?<!\S)(--[a-z][a-z-]*[a-z](?:=\w+)?|[a-z]+://[^\s,;]*[\w/])")
"""Options and URLs in sentences."""
_MARKUP = re.compile(r"([\\*`|_:])")
"""What docutils may take for markup; a colon, for a URL."""


def options() -> str:
    """Each option with its variable, its key in the file, and its default."""
    parts = [".. program:: vault-relay", ""]
    for row in declared.options():
        key = f"``{row.name} = [...]``" if row.repeatable else f"``{row.name}``"
        facts = [f"``{row.variable}``", f"in the file: {key}"]
        if row.default:
            facts.append(f"default: ``{row.default}``")
        if row.repeatable:
            facts.append("repeatable")
        parts += [
            f".. option:: --{row.name} {row.value}".rstrip(),
            "",
            f"   {escaped(row.help)}",
            "",
            "   " + " · ".join(facts),
            "",
        ]
    return "\n".join(parts)


def commands() -> str:
    """The synopsis, description and arguments of each command and subcommand."""
    parts = []
    for row in declared.commands():
        parts += [row.name, "-" * len(row.name), "", *_literal(row.synopsis)]
        parts += _paragraphs(row.details)
        for head, text in row.arguments:
            parts += [f"``{head}``", f"   {escaped(text)}", ""]
        parts += _paragraphs(row.notes)
    return "\n".join(parts)


def _paragraphs(blocks: Sequence[str]) -> Iterator[str]:
    for block in filter(None, blocks):
        yield from (
            _literal(textwrap.dedent(block)) if block.startswith(" ") else (escaped(block), "")
        )


def _literal(text: str) -> list[str]:
    return [".. code-block:: text", "", textwrap.indent(text, "   "), ""]


def metrics() -> str:
    """Each metric with its type and labels."""
    parts = []
    for row in declared.metrics():
        labels = "; ".join(_label(name, values) for name, values in row.labels.items())
        parts += [
            f"``{row.name}``",
            f"   {row.type.capitalize()}. {escaped(row.help)}",
            *(["", f"   Labels: {labels}"] if labels else []),
            "",
        ]
    return "\n".join(parts)


def _label(name: str, values: Sequence[str]) -> str:
    """A label, with its values where these are few words of the relay's own."""
    known = list(dict.fromkeys(values))
    if 1 < len(known) <= _FEW:
        return f"``{name}`` ({', '.join(f'``{value}``' for value in known)})"
    return f"``{name}``"


def outcomes() -> str:
    """Why a connection was refused, as the metric counts it."""
    rows = [(f"``{slug}``", f"It {_of_one(text)}.") for slug, text in declared.outcomes()]
    return table(("``outcome``", "The connection"), (26, 74), rows)


def warnings() -> str:
    """What the relay warns of."""
    rows = [(f"``{slug}``", f"{text.capitalize()}.") for slug, text in declared.warnings()]
    return table(("``warning``", "What the relay warns of"), (26, 74), rows)


def nack_reasons() -> str:
    """Why a message was not delivered."""
    rows = [(str(number), f"``{slug}``") for number, slug in declared.nack_reasons()]
    return table(("Number", "``reason``"), (20, 80), rows)


def refusals() -> str:
    """The HTTP answers that end a connection before it is a WebSocket."""
    counted = dict(declared.outcomes())
    rows = [
        (
            str(row.status),
            f"``{row.error}``",
            escaped(row.when),
            f"``{row.outcome}``" if row.outcome in counted else "the limit that was met",
        )
        for row in declared.refusals()
    ]
    return table(("Status", "``error``", "When", "Counted as"), (8, 24, 44, 24), rows)


def close_codes() -> str:
    """The relay's own close codes."""
    rows = [
        (str(row.number), f"``{row.slug}``", escaped(row.sentence), row.retries)
        for row in declared.close_codes()
    ]
    head = ("Code", "Reason", "Meaning", "Retry by itself")
    return table(head, (8, 22, 54, 16), rows)


def table(head: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> str:
    """A list-table."""
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: {' '.join(map(str, widths))}",
        "",
    ]
    for row in (head, *rows):
        for index, cell in enumerate(row):
            lines.append(f"   {'* -' if index == 0 else '  -'} {cell}".rstrip())
    return "\n".join([*lines, ""])


def escaped(text: str) -> str:
    """Text of the code in one line, which means nothing to reStructuredText."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        f"``{part}``" if index % 2 else _MARKUP.sub(r"\\\1", part)
        for index, part in enumerate(parts)
    )


def _of_one(text: str) -> str:
    """The sentences are about several connections: "do not trust"."""
    for several, one in (("do not ", "does not "), ("know ", "knows "), ("speak ", "speaks ")):
        if text.startswith(several):
            return one + text.removeprefix(several)
    return text


TABLES = {
    "relay-options": options,
    "relay-commands": commands,
    "relay-metrics": metrics,
    "relay-outcomes": outcomes,
    "relay-warnings": warnings,
    "relay-nack-reasons": nack_reasons,
    "relay-refusals": refusals,
    "relay-close-codes": close_codes,
}
"""By the directive that a page has in its place."""
