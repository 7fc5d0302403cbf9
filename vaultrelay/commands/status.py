"""``vault-relay status``: several relays at a glance, a line each, and their sum."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from getopt import GetoptError, gnu_getopt
from threading import Thread

from vaultrelay.app.stdio import print_error, print_result
from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.status import NodeStatus, total
from vaultrelay.cluster.status_request import request_status
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.policy.limits import MOST_NODES
from vaultrelay.web.node_figures import NODE_HEADS, node_figures
from vaultrelay.web.units import lasting, number, size

USAGE = """Usage: vault-relay status [URL ...] [--json]

Says in a line each how relays are, and in one more the sum of those that
answer. A URL is that of an admin endpoint, which a relay has with --admin:
http://10.0.0.2:9090, https://..., or unix:/run/vault-relay/admin.sock. By
default it is http://127.0.0.1:9090. The exit status is 0 if all answer and
none has something urgent to tell, and 1 if not.

  --json   Print one JSON object instead: "relays" has "url" of each, and the
           fields of its /status.json, or "why" there is no answer; "total"
           has the sum, or null.
  --help   Print this text.
"""
ANSWER_SECONDS = 5
"""For all relays, which are asked at the same time."""
_DEFAULT = "http://127.0.0.1:9090"
_CURE = "Does a relay have its --admin there, and can this machine reach it?"
_USAGE_ERROR = 2
_HEADS = ("relay", "state", *NODE_HEADS, "memory", "files", "up")
_WORDS = 2
"""The first columns are words, aligned left; the others are figures."""


def main(arguments: list[str]) -> int:
    """Print the status; return 0 if all is well, 1 if not, 2 for a bad command line."""
    try:
        given, texts = gnu_getopt(arguments, "", ["json", "help"])
        urls = [_url(text) for text in texts or [_DEFAULT]]
    except GetoptError as error:
        return _refuse(str(error))
    except ValueError as error:
        return _refuse(f"status: {error}")
    options = dict(given)
    if "--help" in options:
        print(USAGE, end="")
        return 0
    if len(urls) > MOST_NODES:
        return _refuse(f"status: more than {MOST_NODES} relays")
    for url in urls:
        if urls.count(url) > 1:
            return _refuse(f"status: {url.text!a} stands there twice, and would count twice")
    answers = _ask_all(urls)
    if "--json" in options:
        print_result(_json(answers))
    else:
        print("\n".join(_lines(answers)))
    return int(any(answer.status is None or answer.status.urgent for answer in answers))


def _url(text: str) -> NodeUrl:
    try:
        return NodeUrl.read(text)
    except ValueError as error:
        raise ValueError(f"{text!a} {error}") from None


def _refuse(text: str) -> int:
    print_error(f"vault-relay: {text}; see vault-relay status --help")
    return _USAGE_ERROR


def _ask_all(urls: Sequence[NodeUrl]) -> list[NodeAnswer]:
    """Return the answers in the order of the URLs, within ANSWER_SECONDS."""
    answers = [late(url, ANSWER_SECONDS) for url in urls]

    def take(place: int, url: NodeUrl) -> None:
        answers[place] = request_status(url, ANSWER_SECONDS)

    # Name resolution has no deadline of its own. The threads end with the process.
    threads = [Thread(target=take, args=each, daemon=True) for each in enumerate(urls)]
    deadline = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return list(answers)


def _json(answers: Sequence[NodeAnswer]) -> str:
    relays = [
        {"url": each.url.text, **(asdict(each.status) if each.status else {"why": each.why})}
        for each in answers
    ]
    known = [each.status for each in answers if each.status]
    return json.dumps(
        {"relays": relays, "total": asdict(total(known)) if known else None}, indent=2
    )


def _lines(answers: Sequence[NodeAnswer]) -> Iterator[str]:
    known = [each.status for each in answers if each.status]
    rows = [[_name(each), *_cells(each.status)] for each in answers if each.status]
    if len(answers) > 1 and known:
        rows.append([f"{len(known)} of {len(answers)}", *_cells(total(known))])
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    lines = iter([_aligned(row, widths) for row in (_HEADS, *rows)])
    if known:
        yield next(lines)
    for each in answers:
        yield next(lines) if each.status else f"{_name(each):<{widths[0]}}  {each.why}"
    if len(answers) > 1 and known:
        yield next(lines)
    if not known:
        yield f"\n{_CURE}"
    for each in answers:
        if each.status and each.status.worst:
            yield f"\n{_name(each)}: {each.status.worst}"


def _name(answer: NodeAnswer) -> str:
    return (answer.status and answer.status.node) or answer.url.text


def _cells(status: NodeStatus) -> Iterator[str]:
    yield _state(status)
    yield from node_figures(status)
    yield "-" if status.memory_bytes is None else size(status.memory_bytes)
    yield "-" if status.open_files is None else _of(status.open_files, status.open_files_limit)
    yield lasting(status.uptime_seconds)


def _state(status: NodeStatus) -> str:
    words = ["is stopping" if status.state == "draining" else "works"]
    if status.urgent:
        words.append(f"{status.urgent} urgent")
    if status.remarks:
        words.append(f"{status.remarks} remark{'' if status.remarks == 1 else 's'}")
    return ", ".join(words)


def _of(count: int, most: int | None) -> str:
    return number(count) if most is None else f"{number(count)} of {number(most)}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if place < _WORDS else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
