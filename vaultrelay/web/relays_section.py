"""The section of the status page with all relays, one in each row, and their sum."""

from collections.abc import Iterable, Sequence

from twisted.web.template import Flattenable, Tag, tags

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.cluster.status_json import NodeStatus, total
from vaultrelay.web.html_page import Part, template
from vaultrelay.web.node_values import NODE_HEADS, node_values
from vaultrelay.web.units import lasting, size

_HEADS = ("State", *(head.capitalize() for head in NODE_HEADS), "Memory", "Up")
_SECTION = template("""<section><h2>All relays</h2><table class="relays">
<thead><tr><th t:render="heads"><t:slot name="head"/></th></tr></thead>
<tbody><tr t:render="rows"><t:attr name="class"><t:slot name="class"/></t:attr>
<th><t:slot name="name"/></th><t:slot name="cells"/></tr></tbody></table></section>
""")


def relays_section(own: NodeStatus, others: Sequence[NodeAnswer]) -> Part:
    """Return the section: this relay, the others in the order of the options, then the sum."""
    known = [own, *(each.status for each in others if each.status is not None)]
    count = f"{len(known)} of {len(others) + 1} relays"
    rows = [
        _row(own.node or "This relay", _cells(own)),
        *(_row(_link(each), _answer(each)) for each in others),
        _row(count, _cells(total(known))) | {"class": "sum"},
    ]
    return Part(_SECTION, heads=[{"head": head} for head in ("Relay", *_HEADS)], rows=rows)


def _row(name: Flattenable, cells: Iterable[Tag]) -> dict[str, Flattenable]:
    return {"class": "", "name": name, "cells": [*cells]}


def _link(answer: NodeAnswer) -> Tag | str:
    name = (answer.status and answer.status.node) or answer.url.text
    return tags.a(name, href=answer.url.text) if answer.url.can_be_opened else name


def _answer(answer: NodeAnswer) -> Iterable[Tag]:
    if answer.status is None:
        return [tags.td(answer.why, class_="silent", colspan=str(len(_HEADS)))]
    return _cells(answer.status)


def _cells(status: NodeStatus) -> Iterable[Tag]:
    values: list[Flattenable] = [
        _state(status),
        *node_values(status),
        "" if status.memory_bytes is None else size(status.memory_bytes),
        lasting(status.uptime_seconds),
    ]
    # On a narrow screen there is no head row: each cell has its own label.
    return (
        tags.td(value, **{"data-head": head}) for head, value in zip(_HEADS, values, strict=True)
    )


def _state(status: NodeStatus) -> Tag:
    if status.urgent:
        return tags.span("Urgent", class_="state urgent")
    if status.state == "draining":
        return tags.span("Stopping", class_="state draining")
    if status.remarks:
        return tags.span("Warnings", class_="state notes")
    return tags.span("Running", class_="state works")
