"""``vault-relay status``: the state of several relays, a line each, and their sum."""

import json
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from threading import Thread

from vaultrelay.app.standard_streams import print_result
from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.status_json import NodeStatus, total
from vaultrelay.cluster.status_request import request_status
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.policy.limits.admin import MAX_NODES
from vaultrelay.web.node_values import NODE_HEADS, node_values
from vaultrelay.web.units import lasting, number, size

ANSWER_SECONDS = 5
"""For all relays: the requests run at the same time."""
_DEFAULT = "http://127.0.0.1:9090"
_REMEDY = "Check that a relay has its --admin endpoint there, and that this machine can reach it."
_HEADS = ("relay", "state", "code", *NODE_HEADS, "memory", "files", "up")
_WORDS = 3
"""Number of columns with words, which are aligned left; the others are figures."""


def _url(text: str) -> NodeUrl:
    try:
        return NodeUrl.read(text)
    except ValueError as error:
        raise ArgumentTypeError(f"'{text}' {error}") from None


PARSER = command_parser(
    "status",
    """
Prints one line for each relay, and one with the totals of those that answer. Each URL is that of an
admin endpoint, which --admin sets: http://10.0.0.2:9090, https://..., or
unix:/run/vault-relay/admin.sock.
""",
    notes="""
The exit status is 0 if all relays answer and none has an urgent warning, 1 if not, and 2 for
invalid arguments.

The JSON object has "relays" and "total". Each relay has its "url", and either the fields of its
/status.json, or "why" there is no answer. The total is the sum, or null.

Examples:

  vault-relay status
  vault-relay status http://10.0.0.2:9090 http://10.0.0.3:9090
""",
    arguments=(
        argument(
            "urls",
            metavar="URL",
            nargs="*",
            type=_url,
            help=f"The admin endpoint of a relay. Default: {_DEFAULT}.",
        ),
        argument("--json", action="store_true", help="Print one JSON object instead of lines."),
    ),
)


def main(arguments: list[str]) -> int:
    """Print the status; return 0 if all is well, 1 if not, 2 for invalid arguments."""
    found = PARSER.read(arguments)
    urls: list[NodeUrl] = found.urls or [_url(_DEFAULT)]
    if len(urls) > MAX_NODES:
        PARSER.error(f"URL: at most {MAX_NODES} relays can be given")
    if twice := [url.text for url in urls if urls.count(url) > 1]:
        PARSER.error(f"URL: '{twice[0]}' is given twice; remove one")
    answers = _request_all(urls)
    if found.json:
        print_result(_json(answers))
    else:
        print("\n".join(_lines(answers)))
    return int(any(answer.status is None or answer.status.urgent for answer in answers))


def _request_all(urls: Sequence[NodeUrl]) -> list[NodeAnswer]:
    """Return the answers in the order of the URLs, within ANSWER_SECONDS."""
    answers = [late(url, ANSWER_SECONDS) for url in urls]

    def request(index: int, url: NodeUrl) -> None:
        answers[index] = request_status(url, ANSWER_SECONDS)

    # Name resolution has no deadline of its own. The threads end with the process.
    threads = [Thread(target=request, args=each, daemon=True) for each in enumerate(urls)]
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
    rows: list[Sequence[str]] = [_HEADS] if known else []
    rows += [
        (_name(each), *(_cells(each.status) if each.status else [each.why])) for each in answers
    ]
    if len(answers) > 1 and known:
        rows.append((f"{len(known)} of {len(answers)}", *_cells(total(known))))
    full = [row for row in (_HEADS, *rows) if len(row) == len(_HEADS)]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    yield from (_aligned(row, widths) for row in rows)
    if not known:
        yield f"\n{_REMEDY}"
    for each in answers:
        if each.status and each.status.worst:
            yield f"\n{_name(each)}: {each.status.worst}"


def _name(answer: NodeAnswer) -> str:
    return (answer.status and answer.status.node) or answer.url.text


def _cells(status: NodeStatus) -> Iterator[str]:
    yield _state(status)
    yield status.code or "-"
    yield from node_values(status)
    yield "-" if status.memory_bytes is None else size(status.memory_bytes)
    limit = "" if status.open_files_limit is None else f" of {number(status.open_files_limit)}"
    yield "-" if status.open_files is None else f"{number(status.open_files)}{limit}"
    yield lasting(status.uptime_seconds)


def _state(status: NodeStatus) -> str:
    words = ["stopping" if status.state == "draining" else "running"]
    if status.urgent:
        words.append(f"{status.urgent} urgent warning{'' if status.urgent == 1 else 's'}")
    if status.remarks:
        words.append(f"{status.remarks} other warning{'' if status.remarks == 1 else 's'}")
    return ", ".join(words)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if index < _WORDS else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=False))
    ]
    return "  ".join(cells).rstrip()
