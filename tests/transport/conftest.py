"""Connections with TLS, for the tests of its handshake, its data and its end; a folder to be in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authority import issue, write_pair
from tests.transport.tls_scene import V1_2, V1_3, Make, Scene, assert_shared_buffers_are_empty
from tests.transport.turns import HUBS, WatchingHub, open_hub
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.transport.server_tls import ServerTls


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return load_certificate(*write_pair(tmp_path_factory.mktemp("pair"), issue()))


@pytest.fixture
def make_tls(pair: ServerCertificate) -> Iterator[Make]:
    """Makes connections on one hub of each kind; nothing is left of them in the end."""
    hubs: dict[type[WatchingHub], WatchingHub] = {}
    scenes: list[Scene] = []

    def build(
        tls: ServerTls | None = None, hub_kind: type[WatchingHub] = HUBS[-1], **options: Any
    ) -> Scene:
        hub = hubs[hub_kind] = hubs.get(hub_kind) or open_hub(hub_kind)
        scenes.append(Scene(hub, tls or ServerTls([pair]), **options))
        return scenes[-1]

    yield build
    assert_shared_buffers_are_empty()
    for scene in scenes:
        scene.close()
    for hub in hubs.values():
        assert hub.events == {}
        assert hub.ledger.held == 0
        hub.stopService()
        assert hub.turns.readers == hub.turns.writers == set()
    assert_shared_buffers_are_empty()


@pytest.fixture(params=[(V1_2, HUBS[0]), (V1_3, HUBS[-1])], ids=["1.2", "1.3"])
def tls_scene(request: pytest.FixtureRequest, make_tls: Make) -> Scene:
    """A connection before its handshake, in either version, each over another kind of hub."""
    version, kind = request.param
    return make_tls(version=version, hub_kind=kind)


@pytest.fixture
def shaken(tls_scene: Scene) -> Scene:
    return tls_scene.shake()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to be in, without a colon or an equals sign in its name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
