"""The section of all relays: a row for each, a sum, and nothing that another relay could write."""

import re

from tests.cluster.statuses import status
from tests.web.made import flat
from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.web.relays_section import relays_section

SECOND = NodeUrl.read("http://10.0.0.2:9090/?a=1&b=2")
THIRD = NodeUrl.read("unix:/run/<third>.sock")


def rows(*others: NodeAnswer, **own: object) -> list[str]:
    """The text of each row, the head first, cells divided by bars."""
    section = flat(relays_section(status(**own), others))
    found = re.sub(r"</t[dhr]>|\n", "", section).partition("<table")[2].split("<tr")[1:]
    return [re.sub(r"(<t[dh][^>]*>)", "|", row).partition("|")[2] for row in found]


def text(row: str) -> str:
    return re.sub(r"<[^>]*>", "", row).strip()


def test_each_relay_has_a_row_and_the_last_is_the_sum() -> None:
    others = [NodeAnswer(SECOND, status(node="relay-2", devices=7)), late(THIRD, 1)]
    head, first, second, third, total = map(text, rows(*others))
    assert head == "Relay|State|Devices|Channels|Messages|Data|Undelivered|Memory|Up"
    assert first == "relay-1|Running|3 of 1000|2|1.5/s|75 B/s|1|40 MB|2 h 0 min"
    assert second == "relay-2|Running|7 of 1000|2|1.5/s|75 B/s|1|40 MB|2 h 0 min"
    assert third == "unix:/run/&lt;third&gt;.sock|no answer within 1 s"
    assert total == "2 of 3 relays|Running|10 of 2000|4|3/s|150 B/s|2|80 MB|2 h 0 min"


def test_a_relay_is_linked_where_a_browser_can_go() -> None:
    _, _, second, third, fourth, _ = rows(
        NodeAnswer(SECOND, status(node="")),
        NodeAnswer(THIRD, status(node="")),
        NodeAnswer(SECOND, None, "<no>"),
    )
    link = "http://10.0.0.2:9090/?a=1&amp;b=2"
    assert second.startswith(f'<a href="{link}">{link}</a>|')
    assert third.startswith("unix:/run/&lt;third&gt;.sock|")
    assert fourth.startswith(f'<a href="{link}">{link}</a>|&lt;no&gt;')


def test_the_state_is_the_worst_of_it() -> None:
    assert ">Urgent<" in rows(urgent=1, remarks=1, state="draining")[1]
    assert ">Stopping<" in rows(state="draining", remarks=1)[1]
    assert ">Warnings<" in rows(remarks=1)[1]
    assert ">Urgent<" in rows(NodeAnswer(SECOND, status(urgent=1)))[-1]


def test_who_has_no_name_is_this_one() -> None:
    assert rows(node="")[1].startswith("This relay|")


def test_what_the_system_does_not_tell_is_left_out() -> None:
    assert text(rows(memory_bytes=None)[1]).endswith("|1||2 h 0 min")
