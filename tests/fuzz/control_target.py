"""Any bytes as a control message: read strictly, and what is read round-trips."""

import json

from tests.fuzz.oracle import check
from vaultrelay.wire.control import CONTROL_BYTES
from vaultrelay.wire.control.reading import read_from_device, read_from_relay
from vaultrelay.wire.json_object import BadControl


def control(data: bytes) -> None:
    """As a device's and as the relay's."""
    try:
        said = read_from_device(data)
    except BadControl:
        pass
    else:
        check(len(data) <= CONTROL_BYTES, "longer than a control message")
        check(read_from_device(said.encode()) == said, "another message when written anew")
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
