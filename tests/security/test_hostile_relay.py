"""A hostile relay takes no more memory of a command than its limits, and the command says so."""

import os
import resource
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.process.processes import BIN, environment
from tests.security import hostile_relay as attacks
from tests.security.hostile_relay import Attack, hostile

MOST_RSS = 160
"""MB: a check of an honest relay has 70, and the process of the tests, which counts, has 60."""
CAGE_BYTES = 2 << 30
"""Of address space, so that an attack that succeeds does not take the machine with it."""
CHECK, INVITE = ["check"], ["invite", "--no-qr", "--public-url"]
STATUS, HEALTHCHECK = ["status"], ["healthcheck", "--port"]


def run(command: list[str], port: int, folder: Path) -> tuple[int, str, float]:
    """A command against this port: its exit status, what it printed, and its memory in MB."""
    scheme = {"check": "ws://", "invite": "ws://", "status": "http://"}.get(command[0])
    where = str(port) if scheme is None else f"{scheme}127.0.0.1:{port}"
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [BIN / "vault-relay", *command, where],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment(RELAY_RUNTIME_FOLDER=str(folder)),
            preexec_fn=lambda: resource.setrlimit(  # noqa: PLW1509  no thread holds a lock then
                resource.RLIMIT_AS, (CAGE_BYTES, CAGE_BYTES)
            ),
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return process.returncode, out.read().decode(), usage.ru_maxrss / 1024


@pytest.mark.parametrize(
    ("attack", "command", "said", "most_rss"),
    [
        (attacks.huge_messages, CHECK, "message_bytes is not within 1024 and 67108864", MOST_RSS),
        (attacks.huge_message_comes, CHECK, "FAIL  join", 400),
        (attacks.messages, CHECK, "FAIL  join", MOST_RSS),
        (attacks.peers, CHECK, "FAIL  join", MOST_RSS),
        (attacks.fragments, CHECK, "a message in too many fragments", MOST_RSS),
        (attacks.pings, CHECK, "FAIL  join", MOST_RSS),
        (attacks.before_welcome, CHECK, "FAIL  upgrade", MOST_RSS),
        (attacks.endless_head, CHECK, "FAIL  http", MOST_RSS),
        (attacks.endless_body, CHECK, "FAIL  upgrade", MOST_RSS),
        (attacks.endless_continue, CHECK, "FAIL  http", MOST_RSS),
        (attacks.redirect, CHECK, "FAIL  upgrade", MOST_RSS),
        (attacks.endless_head, INVITE, "sends an endless HTTP head", MOST_RSS),
        (attacks.endless_body, INVITE, "requires a login first", MOST_RSS),
        (attacks.endless_continue, INVITE, "sends an endless HTTP head", MOST_RSS),
        (attacks.redirect, INVITE, "do not follow redirects", MOST_RSS),
        (attacks.endless_head, STATUS, "sends an endless HTTP head", MOST_RSS),
        (attacks.endless_body, STATUS, "the answer is not a status", MOST_RSS),
        (attacks.endless_continue, STATUS, "sends an endless HTTP head", MOST_RSS),
        (attacks.endless_head, HEALTHCHECK, "does not answer like a relay", MOST_RSS),
        (attacks.endless_body, HEALTHCHECK, "does not answer like a relay", MOST_RSS),
    ],
    ids=lambda value: getattr(value, "__name__", value[0] if isinstance(value, list) else ""),
)
def test_a_hostile_relay_is_a_sentence_and_little_memory(
    tmp_path: Path, attack: Attack, command: list[str], said: str, most_rss: int
) -> None:
    with hostile(attack) as port:
        status, told, rss = run(command, port, tmp_path)
    assert status == 1, told
    assert said in told
    assert "Traceback" not in told
    assert len(told) < 5000
    assert rss < most_rss, told
