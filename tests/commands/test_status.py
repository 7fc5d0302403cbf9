"""``vault-relay status``: what it prints of several relays, and its exit status."""

import json
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict
from threading import Event

import pytest

from tests.cluster.servers import page, serving
from tests.cluster.statuses import status
from vaultrelay.cluster.answer import late
from vaultrelay.cluster.status_json import NodeStatus, total
from vaultrelay.commands import status as command
from vaultrelay.policy.limits.admin import MAX_NODES

Said = pytest.CaptureFixture[str]
HEAD = "relay|state|code|devices|channels|messages|data|undelivered|memory|files|up"
NOT_READ = "the answer is not a status that this version can read"


def told(
    capsys: Said, *answers: NodeStatus | bytes | None, flags: tuple[str, ...] = ()
) -> tuple[int, str]:
    """The exit status, and what is printed of these relays; each URL is given by its number."""
    with ExitStack() as stack:
        said = [page(each) if isinstance(each, NodeStatus) else each for each in answers]
        urls = [stack.enter_context(serving(each))[0] for each in said]
        ended = command.main([*flags, *urls])
    out, errors = capsys.readouterr()
    assert errors == ""
    for number, url in enumerate(urls):
        out = out.replace(url, f"URL{number}")
    return ended, out


def cells(text: str) -> list[str]:
    return [re.sub(r" {2,}", "|", line) for line in text.splitlines()]


def test_each_has_a_line_and_the_last_is_the_sum(capsys: Said) -> None:
    second = status(
        node="second", devices=12, memory_bytes=None, open_files=None, remarks=1, code="pure"
    )
    ended, out = told(capsys, status(), second)
    warned = "running, 1 other warning"
    assert ended == 0
    assert cells(out) == [
        HEAD,
        "relay-1|running|native|3 of 1000|2|1.5/s|75 B/s|1|40 MB|20 of 1024|2 h 0 min",
        f"second|{warned}|pure|12 of 1000|2|1.5/s|75 B/s|1|-|-|2 h 0 min",
        f"2 of 2|{warned}|mixed|15 of 2000|4|3/s|150 B/s|2|40 MB|20 of 2048|2 h 0 min",
    ]
    assert len({len(line) for line in out.splitlines()}) == 1, "the figures stand at the right"


def test_one_has_no_sum_and_no_name_it_may_not_have(capsys: Said) -> None:
    ended, out = told(capsys, status(node="", open_files_limit=None))
    assert (ended, len(cells(out))) == (0, 2)
    assert "|20|2 h" in cells(out)[1]


def test_what_is_urgent_is_told_in_full(capsys: Said) -> None:
    ended, out = told(capsys, status(urgent=1, remarks=2, worst="It has ended."), status())
    assert ended == 1
    assert "|running, 1 urgent warning, 2 other warnings|" in cells(out)[1]
    assert out.endswith("\n\nrelay-1: It has ended.\n")


def test_who_does_not_answer_has_a_line_that_says_why(capsys: Said) -> None:
    ended, out = told(capsys, b"HTTP/1.1 200 OK\r\n\r\n{}", status(state="draining"))
    assert ended == 1
    assert cells(out)[0] == HEAD
    assert cells(out)[1] == f"URL0|{NOT_READ}"
    assert cells(out)[2].startswith("relay-1|stopping|")
    assert cells(out)[3].startswith("1 of 2|stopping|")


def test_where_nobody_answers_the_cure_is_told(capsys: Said) -> None:
    ended, out = told(capsys, b"HTTP/1.1 200 OK\r\n\r\n{}")
    assert ended == 1
    assert out.startswith(f"URL0  {NOT_READ}\n\nCheck that a relay has its --admin endpoint there")


def test_who_is_silent_keeps_nobody(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    over = Event()
    monkeypatch.setattr(command, "ANSWER_SECONDS", 0.1)
    # As looking a name up may take.
    monkeypatch.setattr(command, "request_status", lambda url, _: over.wait(10) and late(url, 10))
    ended, out = told(capsys, None, None)
    over.set()
    assert ended == 1
    assert cells(out)[:2] == ["URL0|no answer within 0.1 s", "URL1|no answer within 0.1 s"]


def test_json_has_it_all(capsys: Said) -> None:
    ended, out = told(capsys, status(), b"", flags=("--json",))
    assert ended == 1
    why = "no answer: the connection was closed"
    assert json.loads(out) == {
        "relays": [{"url": "URL0", **asdict(status())}, {"url": "URL1", "why": why}],
        "total": asdict(total([status()])),
    }
    assert json.loads(told(capsys, b"", flags=("--json",))[1])["total"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nothing"], "option --nothing not recognized"),
        (["10.0.0.2:9090"], "URL: '10.0.0.2:9090' must be a URL such as http://10."),
        (["http://a"] * (MAX_NODES + 1), "URL: at most 64 relays can be given"),
        (["http://a", "http://b", "http://a"], "URL: 'http://a' is given twice; remove one"),
    ],
)
def test_a_bad_command_line_is_told(capsys: Said, arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(f"vault-relay: {said}")
    assert errors.endswith("; see vault-relay status --help\n")


def test_it_needs_no_twisted() -> None:
    code = "import sys, vaultrelay.commands.status; print('twisted' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
