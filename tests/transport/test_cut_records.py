"""A TLS stream completes the last record of a small read, so that parts do not fill the relay."""

import random
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest
from twisted.internet.error import ConnectionLost

from tests.transport.tls_scene import RECORD, Make, Scene
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.streams import MIN_READ_BYTES
from vaultrelay.transport.unsealing import missing_bytes

FIRST = random.Random(1).randbytes(RECORD)
SECOND = random.Random(2).randbytes(RECORD)
HEADER_BYTES = 5
LIMIT = 512 * 1024


class Others:
    """Other connections of a relay, as the ledger counts their bytes."""

    def __init__(self, ledger: Ledger) -> None:
        ledger.configure(LIMIT, message_bytes=RECORD)
        ledger.make_reads_small(True)
        self._ledger = ledger
        self._held = 0

    def leave(self, size: int) -> None:
        """Leave so many bytes until the relay is full, or fill it with more if it is negative."""
        self.hold(self._ledger.full - self._ledger.held - size)

    def hold(self, size: int) -> None:
        self._ledger.add(size)
        self._held += size

    def close(self) -> None:
        self.hold(-self._held)


@pytest.fixture
def others(shaken: Scene) -> Iterator[Others]:
    """Those of a nearly full relay: each read is as small as can be."""
    with closing(Others(shaken.hub.ledger)) as others:
        others.leave(1)
        assert shaken.hub.ledger.read_bytes == MIN_READ_BYTES
        yield others


@pytest.fixture
def shaken(shaken: Scene) -> Scene:
    return joined(shaken)


def joined(scene: Scene) -> Scene:
    """Let a connection have no allowance in a full relay, as a device between two messages."""
    scene.stream.allowance = SimpleNamespace(bytes_allowed=0)
    return scene


def sealed(scene: Scene, *texts: bytes) -> bytes:
    for text in texts:
        scene.client.tls.write(text)
    return bytes(scene.client.sealed())


def read(scene: Scene, data: bytes) -> list[bytes]:
    """Send bytes, and return what one read brings."""
    scene.client.wire.sendall(data)
    before = len(scene.protocol.received)
    scene.stream.can_read()
    found: list[bytes] = scene.protocol.received[before:]
    return found


class TestASmallRead:
    def test_ends_the_record_that_it_has_cut(self, shaken: Scene, others: Others) -> None:
        held = shaken.hub.ledger.held
        assert read(shaken, sealed(shaken, FIRST, SECOND)) == [FIRST]
        assert (shaken.stream.tls_bytes, shaken.hub.ledger.held) == (0, held)
        assert read(shaken, b"") == [SECOND]

    def test_ends_the_record_also_after_smaller_ones(self, shaken: Scene, others: Others) -> None:
        texts = [b"a" * 100, b"b" * 200, FIRST]
        assert read(shaken, sealed(shaken, *texts)) == [b"".join(texts)]

    @pytest.mark.parametrize("there", [0, 1, HEADER_BYTES, RECORD])
    def test_of_whole_records_and_a_begun_one_counts_nothing(
        self, shaken: Scene, others: Others, there: int
    ) -> None:
        """The peer has not sent more: as with large reads."""
        second = sealed(shaken, b"whole") + sealed(shaken, SECOND)[:there]
        assert read(shaken, second[: MIN_READ_BYTES - 1]) == [b"whole"]
        assert shaken.stream.tls_bytes == 0

    def test_of_what_the_protocol_may_read_in_a_full_relay_ends_its_record(
        self, shaken: Scene, others: Others
    ) -> None:
        others.leave(-LIMIT)
        shaken.stream.allowance = SimpleNamespace(bytes_allowed=RECORD)
        assert read(shaken, sealed(shaken, FIRST, SECOND)) == [FIRST]
        assert shaken.stream.tls_bytes == 0

    def test_with_an_end_after_it_ends_the_connection_later(
        self, shaken: Scene, others: Others
    ) -> None:
        data = sealed(shaken, FIRST)
        read(shaken, data[:MIN_READ_BYTES])
        shaken.client.wire.close()
        shaken.reactor.settle()
        assert shaken.protocol.received == []
        shaken.assert_gone()


class TestTheEndOfAConnection:
    def test_within_a_cut_record_leaves_it_counted_until_it_is_reported(
        self, shaken: Scene, others: Others
    ) -> None:
        shaken.client.wire.sendall(sealed(shaken, FIRST)[:MIN_READ_BYTES])
        shaken.client.wire.close()
        shaken.stream.can_read()
        assert shaken.stream.tls_bytes >= RECORD
        shaken.reactor.settle()
        shaken.assert_gone()
        assert shaken.stream.tls_bytes == 0

    def test_by_a_reset_within_a_cut_record_is_a_loss(self, make_tls: Make) -> None:
        scene = joined(make_tls(is_tcp=True).shake())
        wire = scene.client.wire
        with closing(Others(scene.hub.ledger)) as others:
            others.leave(1)
            wire.sendall(sealed(scene, FIRST)[:MIN_READ_BYTES])
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.close()
            scene.reactor.settle()
        assert scene.protocol.lost == [ConnectionLost]


class TestARecordWhoseRestHasNotCome:
    def test_is_counted_and_may_end_in_a_full_relay(self, shaken: Scene, others: Others) -> None:
        """Its memory is counted already; if it could not end, memory might never be freed."""
        ledger, data = shaken.hub.ledger, sealed(shaken, FIRST, SECOND)
        held = ledger.held
        assert read(shaken, data[:MIN_READ_BYTES]) == []
        assert shaken.stream.tls_bytes >= RECORD
        assert ledger.held - held == shaken.stream.tls_bytes
        assert not ledger.read_bytes
        rest = data[MIN_READ_BYTES:]
        assert read(shaken, rest[:1]) == [], "of this, too, only a part is there"
        assert shaken.stream.tls_bytes >= RECORD
        assert read(shaken, rest[1:]) == [FIRST], "and nothing of the next record"
        assert (shaken.stream.tls_bytes, ledger.held) == (0, held)
        others.leave(-LIMIT)
        assert read(shaken, b"") == [], "in a full relay it begins no record"

    def test_is_not_one_if_a_whole_record_without_data_ends_the_read(
        self, shaken: Scene, others: Others
    ) -> None:
        """Such as an update of keys, which Python cannot send."""
        read(shaken, sealed(shaken, FIRST)[:MIN_READ_BYTES])
        assert shaken.stream.tls_bytes >= RECORD
        whole = record(17)
        assert shaken.stream._end_record(b"rest" + whole, len(whole)) == (b"", None)
        assert shaken.stream.tls_bytes == 0

    def test_is_not_counted_any_more_in_a_roomy_relay(self, shaken: Scene, others: Others) -> None:
        ledger, data = shaken.hub.ledger, sealed(shaken, FIRST)
        read(shaken, data[:MIN_READ_BYTES])
        others.close()
        assert read(shaken, data[MIN_READ_BYTES:]) == [FIRST]
        assert (shaken.stream.tls_bytes, ledger.held) == (0, 0)

    def test_is_not_read_in_a_full_relay_if_it_was_not_counted(self, shaken: Scene) -> None:
        data = sealed(shaken, FIRST)
        assert read(shaken, data[:1000]) == []
        with closing(Others(shaken.hub.ledger)) as others:
            others.leave(-1)
            assert read(shaken, data[1000:]) == []
        shaken.settle()
        assert shaken.protocol.heard == FIRST

    def test_of_many_connections_fills_the_relay_without_a_stall(self, make_tls: Make) -> None:
        scenes = [joined(make_tls().shake()) for _ in range(12)]
        data = {scene: sealed(scene, FIRST) for scene in scenes}
        with closing(Others(scenes[0].hub.ledger)) as others:
            others.leave(6 * RECORD)
            for scene in scenes:
                read(scene, data[scene][:MIN_READ_BYTES])
            assert not scenes[0].hub.ledger.read_bytes, "parts of records have filled it"
            for scene in scenes:
                scene.client.wire.sendall(data[scene][MIN_READ_BYTES:])
            scenes[0].reactor.settle()
            assert [scene.protocol.heard == FIRST for scene in scenes] == [True] * len(scenes)


def record(size: int, kind: int = 23) -> bytes:
    return bytes((kind, 3, 3)) + size.to_bytes(2, "big") + bytes(size)


class TestMissingBytes:
    @pytest.mark.parametrize("size", [1, 16, RECORD + 256, RECORD + 2048])
    @pytest.mark.parametrize("kind", [20, 21, 22, 23])
    def test_are_those_of_the_last_record(self, size: int, kind: int) -> None:
        last = record(size, kind)
        for before in (b"", record(7), record(0) + record(100)):
            for had in {HEADER_BYTES, len(last) // 2, len(last) - 1} - {2, 3}:
                assert missing_bytes(before + last[:had], 0) == len(last) - had

    def test_are_those_of_a_record_that_begins_later(self) -> None:
        assert missing_bytes(b"rest" + record(9)[:-2], 4) == 2

    @pytest.mark.parametrize(
        "data",
        [
            record(100)[:4],
            record(7) + record(100)[:4],
            record(100, kind=24)[:-1],
            record(100, kind=19)[:-1],
            b"\x17\x02" + record(100)[2:-1],
            record(RECORD + 2049)[:-1],
        ],
        ids=["header", "next header", "above", "below", "version", "too long"],
    )
    def test_are_unknown_without_a_record_or_its_length(self, data: bytes) -> None:
        assert missing_bytes(data, 0) is None

    def test_are_none_of_a_whole_record(self) -> None:
        assert missing_bytes(record(7) + record(100), 0) == 0

    def test_are_none_of_a_record_that_ended_with_the_data(self) -> None:
        assert missing_bytes(b"rest", 4) == 0
