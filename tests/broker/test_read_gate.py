"""ReadGate: a device is read while there is no reason not to."""

from tests.broker.fakes import RecordingOutbox
from vaultrelay.broker.read_gate import ReadGate


def test_a_device_is_read_while_there_is_no_reason_not_to() -> None:
    outbox = RecordingOutbox()
    gate = ReadGate(outbox)
    assert gate.is_open
    gate.add_reason("one")
    gate.add_reason("one")
    gate.add_reason("two")
    gate.remove_reason("one")
    assert outbox.switches == ["pause"]
    gate.remove_reason("two")
    assert outbox.switches == ["pause", "resume"]


def test_a_reason_that_never_was_changes_nothing() -> None:
    outbox = RecordingOutbox()
    gate = ReadGate(outbox)
    gate.remove_reason("one")
    gate.add_reason("two")
    gate.remove_reason("one")
    assert outbox.switches == ["pause"]


def test_a_gate_of_a_connection_that_ends_has_no_reasons_and_resumes_nothing() -> None:
    outbox = RecordingOutbox()
    gate = ReadGate(outbox)
    gate.add_reason("one")
    gate.close()
    gate.remove_reason("one")
    assert outbox.switches == ["pause"]
    assert gate.is_open
