"""Any bytes as a control message: read strictly, and what is read round-trips."""

import json

from tests.fuzz.oracle import check
from vaultrelay.wire.control import CONTROL_BYTES
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.from_relay import read_from_relay
from vaultrelay.wire.control.mailbox import read_with_mailbox
from vaultrelay.wire.json_object import BadControl


def control(data: bytes) -> None:
    """As a device's, to relays without and with a mailbox, and as the relay's."""
    for read in (read_from_device, read_with_mailbox):
        try:
            said = read(data)
        except BadControl:
            continue
        check(len(data) <= CONTROL_BYTES, "longer than a control message")
        check(read(said.encode()) == said, "another message when written anew")
        _check_fields(data, said.encode())
    try:
        told = read_from_relay(data)
    except BadControl:
        return
    if told is not None:
        check(read_from_relay(told.encode()) == told, "another message when written anew")
        _check_fields(data, told.encode())


def _check_fields(data: bytes, written: bytes) -> None:
    """What was read is what any JSON parser reads there; what was left out is a default."""
    named = json.loads(data)
    for name, value in json.loads(written).items():
        if name in named and not isinstance(value, dict | list):
            check(named[name] == value, "a field was read otherwise")
