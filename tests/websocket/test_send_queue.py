"""SendQueue: order, whole frames, and the ledger, whatever the transport takes and when."""

from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import take_server_frame
from tests.memory import Transport
from tests.recorded_log import RecordedLog
from vaultrelay.broker.outbox import Room
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.batch import Batch
from vaultrelay.websocket.frame_writer import text_frame
from vaultrelay.websocket.send_queue import SendQueue

DEVICES = 3
LIMIT = 64 << 20
MESSAGE = 400 * 1024
"""More than one read."""
SIZES = st.one_of(st.integers(8, 200), st.integers(4000, 70_000), st.integers(200_000, MESSAGE))
DEVICE = st.integers(0, DEVICES - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["deliver", "run", "control"]), DEVICE, SIZES),
    st.tuples(st.sampled_from(["broadcast", "broadcast_run"]), DEVICE, SIZES),
    st.tuples(st.sampled_from(["batch", "press"]), DEVICE, SIZES),
    st.tuples(st.just("take"), DEVICE, st.integers(1, 600_000)),
    st.tuples(st.sampled_from(["drop", "clear"]), DEVICE, st.just(0)),
)


class Device:
    def __init__(self, batch: Batch) -> None:
        self.queue = SendQueue(batch, MESSAGE)
        self.transport = Transport()
        self.transport.capacity = 100_000
        self.queue.transport = self.transport
        self.transport.registerProducer(self.queue, True)
        self.accepted: list[bytes] = []
        self.certain: list[bytes] = []
        """Those that no drop could reach."""
        self.came = b""


class Scene:
    def __init__(self) -> None:
        self.ledger = Ledger(LIMIT)
        self.batch = Batch(self.ledger, RecordedLog())
        self.devices = [Device(self.batch) for _ in range(DEVICES)]
        self.other_bytes = 0
        self._ids = count()

    def payload(self, size: int) -> bytes:
        return (b"%08d" % next(self._ids)) * (size // 8)

    def deliver(self, device: Device, size: int) -> None:
        self._deliver([device], [size], is_broadcast=False)

    def run(self, device: Device, size: int) -> None:
        self._deliver([device], [size, 8, size], is_broadcast=False)

    def broadcast(self, _: Device, size: int) -> None:
        self._deliver(self.devices, [size], is_broadcast=True)

    def broadcast_run(self, _: Device, size: int) -> None:
        self._deliver(self.devices, [8, size, 8], is_broadcast=True)

    def _deliver(self, devices: list[Device], sizes: list[int], is_broadcast: bool) -> None:
        if any(each.queue.is_full for each in devices):
            sizes = sizes[:1]
        messages = [self.payload(size) for size in sizes]
        for each in devices:
            if each.queue.deliver(messages, is_broadcast) is not Room.FULL:
                each.accepted += messages
                each.certain += messages

    def control(self, device: Device, size: int) -> None:
        payload = self.payload(min(size, 5000))
        if device.queue.reserve(len(payload)):
            device.queue.write(text_frame(payload))
            device.accepted.append(payload)
            device.certain.append(payload)

    def batch_(self) -> None:
        if self.batch.is_open:
            self.batch.end(None)
        else:
            self.batch.begin()

    def press(self, _: Device, size: int) -> None:
        """Others hold much, or no more."""
        self.other_bytes = LIMIT - self.other_bytes
        self.ledger.add(self.other_bytes or -LIMIT)

    def take(self, device: Device, size: int) -> None:
        device.came += device.transport.take(size)

    def drop(self, device: Device, _: int) -> None:
        device.queue.drop()
        device.certain = []

    def clear(self, device: Device, _: int) -> None:
        """The connection is cut off."""
        device.queue.clear()
        # What it has passed on to the transport is the transport's.
        device.transport.producer = None
        self.devices[self.devices.index(device)] = Device(self.batch)

    def assert_counted(self) -> None:
        queues = [each.queue for each in self.devices]
        counted = self.ledger.held - self.other_bytes
        assert counted >= sum(each.held - each.shared_bytes for each in queues)
        # A shared frame counts as a whole, and once more what the transport has of it.
        assert counted <= sum(each.held + each._under_way for each in queues)
        for each in queues:
            assert 0 <= each.shared_bytes <= each.held


def payloads(data: bytes) -> list[bytes]:
    """The payloads of whole frames, without a rest."""
    found = []
    while (taken := take_server_frame(data)) is not None:
        frame, data = taken
        found.append(frame.payload)
    assert data == b"", "no frame is cut"
    return found


@given(st.lists(STEPS, max_size=40))
@settings(max_examples=60, deadline=None)
def test_whole_frames_come_in_order_and_all_that_is_held_is_counted(
    steps: list[tuple[str, int, Any]],
) -> None:
    scene = Scene()
    for step, number, size in steps:
        if step == "batch":
            scene.batch_()
        else:
            getattr(scene, step)(scene.devices[number], size)
        scene.assert_counted()
    scene.batch.end(None)
    for device in scene.devices:
        while device.transport.value():
            scene.take(device, 500_000)
        came = payloads(device.came)
        remaining = iter(device.accepted)
        assert all(payload in remaining for payload in came), "in order, and none twice"
        certain = device.certain
        assert came[len(came) - len(certain) :] == certain, "nothing is lost but what was dropped"
        assert device.queue.held == 0
    assert scene.ledger.held == scene.other_bytes
