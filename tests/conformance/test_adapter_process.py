"""The adapter's process: its end, garbage, silence and floods are reported plainly."""

import os
import re
import signal
import sys
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from vaultrelay.conformance.adapter import Adapter, AdapterFault
from vaultrelay.conformance.adapter_process import AdapterProcess
from vaultrelay.conformance.limits import MAX_LINE_BYTES

REACTOR: Any = reactor
ABOUT = '{"adapter": 1, "client": "test/1", "supports": ["clock"]}'


def adapter_of(code: str, patience: float = 60.0) -> AdapterProcess:
    program = f"import sys\nprint('''{ABOUT}''', flush=True)\n{code}"
    return AdapterProcess(REACTOR, [sys.executable, "-c", program], patience)


async def fault_of(driver: AdapterProcess) -> str:
    try:
        adapter = await Adapter.start(driver)
        await adapter.ask("events")
        # What comes now comes unasked.
        await deferLater(REACTOR, 0)
        await adapter.ask("events")
    except AdapterFault as fault:
        return str(fault)
    finally:
        await driver.stop()
    raise AssertionError("no fault")


@pytest_twisted.ensureDeferred
async def test_a_command_has_an_answer() -> None:
    driver = adapter_of("for line in sys.stdin: print(line, end='', flush=True)")
    adapter = await Adapter.start(driver)
    try:
        assert (adapter.client, adapter.platform) == ("test/1", "native")
        assert sorted(adapter.supports) == ["clock"]
        assert await adapter.ask("clock", advance=2) == {"do": "clock", "advance": 2}
    finally:
        await driver.stop()


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("input(); sys.exit('no relay here')", "it has ended, with the exit status 1"),
        ("input(); sys.exit('no relay here')", "no relay here"),
        ("input(); print('Connected!', flush=True); input()", "not a JSON object: 'Connected!'"),
        ("input(); print('[1]', flush=True); input()", "not a JSON object"),
        ("input()\nwhile True: print('x' * 99999, end='')", "a line of more than"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_fault_is_reported(code: str, fault: str) -> None:
    assert fault in await fault_of(adapter_of(code))


@pytest_twisted.ensureDeferred
async def test_its_end_is_reported_though_its_child_has_its_output() -> None:
    child = "import subprocess; child = subprocess.Popen(['sleep', '60'])"
    fault = await fault_of(adapter_of(f"{child}; input(); sys.exit(f'child {{child.pid}}')", 10.0))
    found = re.fullmatch(r"it has ended, with the exit status 1; .*: child (\d+)", fault)
    assert found, fault
    os.kill(int(found[1]), signal.SIGTERM)


@pytest_twisted.ensureDeferred
async def test_output_after_a_fault_is_dropped() -> None:
    driver = adapter_of("sys.stdin.read()")
    await driver.start()
    driver.outReceived(b"x" * (MAX_LINE_BYTES + 1))
    kept = len(driver._buffer)
    driver.outReceived(b"x" * MAX_LINE_BYTES)
    assert len(driver._buffer) == kept
    await driver.stop()


@pytest_twisted.ensureDeferred
async def test_an_answer_that_does_not_come_is_reported() -> None:
    driver = adapter_of("sys.stdin.read()", patience=0.1)
    assert "did not come within 0.1 seconds" in await fault_of(driver)


@pytest_twisted.ensureDeferred
async def test_a_line_that_nothing_asked_for_is_reported() -> None:
    driver = adapter_of("input(); print('{}\\n{}\\n{}', flush=True); input(); input()")
    assert "nothing asked for" in await fault_of(driver)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{}", 'no "adapter": 1'),
        (
            '{"adapter": 1, "platform": "Native"}',
            'the "platform" is not one of native, browser, phone: Native',
        ),
    ],
)
@pytest_twisted.ensureDeferred
async def test_another_first_line_is_reported(line: str, fault: str) -> None:
    driver = AdapterProcess(REACTOR, [sys.executable, "-c", f"print('{line}'); input()"], 60.0)
    assert fault in await fault_of(driver)
