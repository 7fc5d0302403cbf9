"""The section of the status page with all relays, one in each row, and their sum."""

from collections.abc import Iterator, Sequence
from html import escape

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.cluster.status import NodeStatus, total
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.web.node_values import NODE_HEADS, node_values
from vaultrelay.web.units import lasting, size

_HEADS = ("State", *(head.capitalize() for head in NODE_HEADS), "Memory", "Up")


def relays_section(own: NodeStatus, others: Sequence[NodeAnswer]) -> str:
    """Return the section: this relay, the others in the order of the options, then the sum."""
    rows = [_row(escape(own.node) or "This relay", own)]
    rows += [_answer(each) for each in others]
    known = [own, *(each.status for each in others if each.status is not None)]
    count = f"{len(known)} of {len(others) + 1} relays"
    rows.append(_row(count, total(known)).replace("<tr>", '<tr class="sum">', 1))
    heads = "".join(f"<th>{head}" for head in ("Relay", *_HEADS))
    return (
        f'<section><h2>All relays</h2><table class="relays"><thead><tr>{heads}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>\n"
    )


def _answer(answer: NodeAnswer) -> str:
    if answer.status is None:
        name = _link(answer.url, answer.url.text)
        return f'<tr><th>{name}<td class="silent" colspan="{len(_HEADS)}">{escape(answer.why)}'
    return _row(_link(answer.url, answer.status.node or answer.url.text), answer.status)


def _link(url: NodeUrl, text: str) -> str:
    if not url.can_be_opened:
        return escape(text)
    return f'<a href="{escape(url.text)}">{escape(text)}</a>'


def _row(name: str, status: NodeStatus) -> str:
    cells = zip(_HEADS, _cells(status), strict=True)
    # On a narrow screen there is no head row: each cell has its own label.
    return f"<tr><th>{name}" + "".join(f'<td data-head="{head}">{cell}' for head, cell in cells)


def _cells(status: NodeStatus) -> Iterator[str]:
    yield _state(status)
    yield from node_values(status)
    yield "" if status.memory_bytes is None else size(status.memory_bytes)
    yield lasting(status.uptime_seconds)


def _state(status: NodeStatus) -> str:
    if status.urgent:
        return '<span class="state urgent">Urgent</span>'
    if status.state == "draining":
        return '<span class="state draining">Stopping</span>'
    if status.remarks:
        return '<span class="state notes">Remarks</span>'
    return '<span class="state works">Works</span>'
