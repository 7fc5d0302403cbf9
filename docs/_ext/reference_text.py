"""The tables of the reference pages, as reStructuredText."""

import textwrap
from collections.abc import Iterable, Sequence

import declared


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
            f".. option:: --{row.name} {row.value}",
            "",
            f"   {escaped(row.help)}",
            "",
            "   " + " · ".join(facts),
            "",
        ]
    return "\n".join(parts)


def commands() -> str:
    """What each command prints for --help."""
    parts = []
    for name, text in declared.commands():
        parts += [
            f"vault-relay {name}",
            "-" * (len(name) + 12),
            "",
            ".. code-block:: text",
            "",
            textwrap.indent(text, "   "),
            "",
        ]
    return "\n".join(parts)


def metrics() -> str:
    """Each metric with its type."""
    rows = [(f"``{row.name}``", row.type, escaped(row.help)) for row in declared.metrics()]
    return table(("Metric", "Type", "What it is"), (44, 11, 45), rows)


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
    rows = [
        (
            str(row.status),
            f"``{row.error}``",
            escaped(row.when),
            ", ".join(f"``{name}``" for name in dict.fromkeys(name for name, _ in row.headers)),
            f"``{row.outcome}``",
        )
        for row in declared.refusals()
    ]
    head = ("Status", "``error``", "When", "Headers", "Counted as")
    return table(head, (8, 20, 36, 18, 18), rows)


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
    """Text that means nothing to reStructuredText, in one line."""
    text = " ".join(text.split())
    for mark in ("\\", "*", "`", "|", "_"):
        text = text.replace(mark, "\\" + mark)
    return text


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
