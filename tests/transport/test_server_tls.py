"""The TLS policy: what a client of the standard library can and cannot agree on with us."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock

from tests.authority import (
    DAY,
    NAME,
    Issued,
    Key,
    ec_key,
    ed25519_key,
    issue,
    rsa_key,
    write_pair,
)
from tests.recorded_log import RecordedLog
from tests.transport.tls_client import lenient_context, shake
from tests.transport.turns import open_hub, pair_of_sockets
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.policy.limits.pending import HEAD_SECONDS
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.transport.route import RouteResult
from vaultrelay.transport.server_tls import ServerTls, unprinted_names
from vaultrelay.transport.tls_stream import TlsStream
from vaultrelay.wire.request import Request

V1_1, V1_2, V1_3 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

KINDS = ("pair", "ssl", "tls")
"""A certificate and its key, an ``ssl:`` string, a ``tls:`` string."""
ALL_SUITES = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
GOOD_1_2 = {"AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-GCM-SHA256"}
GOOD_1_3 = {
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
}


def tls_of(kind: str, folder: Path) -> ServerTls:
    """What the relay makes of a certificate before it listens."""
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    if kind == "pair":
        return ServerTls([load_certificate(certificate, key)])
    text = f"ssl:4433:privateKey={key}:certKey={certificate}"
    if kind == "tls":
        text = f"tls:{folder}:port=4433"
    found = read_endpoint(MemoryReactorClock(), text).tls
    assert found is not None
    return found


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> ServerTls:
    write_pair(tmp_path, issue())
    return tls_of(request.param, tmp_path)


def suites_of_1_2() -> list[str]:
    """The TLS 1.2 suites that the client knows."""
    known = lenient_context(suites=ALL_SUITES).get_ciphers()
    return [suite["name"] for suite in known if suite["protocol"] != "TLSv1.3"]


def agreed_suites(server: ServerTls, names: list[str]) -> Iterator[str]:
    """Those of the suites that the server agrees to when nothing else is offered."""
    for name in names:
        try:
            end = shake(server, lenient_context(V1_2, suites=f"{name}:@SECLEVEL=0"))
        except ssl.SSLError:
            continue
        suite = end.cipher()
        assert suite is not None
        assert suite[0] == name
        yield name


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("h2", "http/1.1"), ("h2",)])
@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_clients_connect_whatever_protocols_they_offer(
    server: ServerTls, version: ssl.TLSVersion, protocols: tuple[str, ...]
) -> None:
    end = shake(server, lenient_context(version, protocols))
    assert end.version() == {V1_2: "TLSv1.2", V1_3: "TLSv1.3"}[version]
    expected = "http/1.1" if "http/1.1" in protocols else None
    assert end.selected_alpn_protocol() == expected


def test_tls_1_1_is_refused(server: ServerTls) -> None:
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        shake(server, lenient_context(V1_1))


def test_a_client_that_only_knows_1_1_could_be_served_elsewhere() -> None:
    """Or else the refusal above would tell nothing of the server."""
    end = lenient_context(V1_1).wrap_bio(ssl.MemoryBIO(), hello := ssl.MemoryBIO())
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    assert hello.read().startswith(b"\x16\x03")


@pytest.mark.parametrize(("make_key", "prefix"), [(ec_key, "ECDHE-ECDSA"), (rsa_key, "ECDHE-RSA")])
@pytest.mark.parametrize("kind", KINDS)
def test_tls_1_2_agrees_on_forward_secret_aead_suites_only(
    tmp_path: Path, kind: str, make_key: type[Key], prefix: str
) -> None:
    offered = suites_of_1_2()
    assert {"AES256-GCM-SHA384", f"{prefix}-AES256-SHA384", f"{prefix}-AES128-SHA"} < set(offered)
    write_pair(tmp_path, issue(key=make_key()))
    agreed = set(agreed_suites(tls_of(kind, tmp_path), offered))
    assert agreed == {f"{prefix}-{suite}" for suite in GOOD_1_2}


def test_tls_1_3_agrees_on_its_aead_suites(server: ServerTls) -> None:
    suite = shake(server, lenient_context(V1_3)).cipher()
    assert suite is not None
    assert suite[0] in GOOD_1_3


def test_the_server_chooses_the_suite(server: ServerTls) -> None:
    preferred = "ECDHE-ECDSA-AES256-GCM-SHA384"
    suites = f"ECDHE-ECDSA-CHACHA20-POLY1305:{preferred}"
    suite = shake(server, lenient_context(V1_2, suites=suites)).cipher()
    assert suite is not None
    assert suite[0] == preferred


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_an_ed25519_certificate_serves(tmp_path: Path, kind: str, version: ssl.TLSVersion) -> None:
    write_pair(tmp_path, issue(key=ed25519_key()))
    assert shake(tls_of(kind, tmp_path), lenient_context(version)).version()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_knows_the_root_trusts_the_chain(tmp_path: Path, kind: str) -> None:
    root = issue((), subject="root", authority=True)
    middle = issue((), subject="middle", issuer=root, authority=True)
    write_pair(tmp_path, issue(issuer=middle), middle)
    client = ssl.create_default_context(cadata=root.pem.decode())
    assert shake(tls_of(kind, tmp_path), client).version()


@pytest.mark.parametrize("kind", KINDS)
def test_an_expired_certificate_is_served_for_its_devices_to_judge(
    tmp_path: Path, kind: str
) -> None:
    now = datetime.now(UTC)
    write_pair(tmp_path, issue(starts=now - 9 * DAY, ends=now - DAY))
    assert shake(tls_of(kind, tmp_path), lenient_context()).version()


@pytest.mark.parametrize("name", ["other.example.org", "192.0.2.7", None])
def test_a_client_that_names_another_host_gets_the_certificate_all_the_same(
    server: ServerTls, name: str | None
) -> None:
    assert shake(server, lenient_context(), name).getpeercert(binary_form=True)


class TestServerNames:
    @pytest.fixture
    def issued(self) -> list[Issued]:
        return [issue([NAME]), issue(["*.b.example", "B.example"]), issue(["192.0.2.1", NAME])]

    @pytest.fixture
    def pairs(self, tmp_path: Path, issued: list[Issued]) -> list[ServerCertificate]:
        return [load_certificate(*write_pair(tmp_path, each)) for each in issued]

    @pytest.mark.parametrize("version", [V1_2, V1_3])
    @pytest.mark.parametrize(
        ("name", "number"),
        [
            (NAME, 0),
            ("x.b.example", 1),
            ("X.B.EXAMPLE", 1),
            ("b.example", 1),
            ("B.Example", 1),
            ("x.y.b.example", 0),
            ("unknown.example", 0),
            ("localhost", 0),
            ("192.0.2.1", 0),
            (None, 0),
        ],
    )
    def test_choose_the_certificate_and_the_first_is_for_all_others(
        self,
        issued: list[Issued],
        pairs: list[ServerCertificate],
        version: ssl.TLSVersion,
        name: str | None,
        number: int,
    ) -> None:
        assert served(ServerTls(pairs), name, version) == issued[number].der

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_a_folder_choose_too(self, tmp_path: Path, kind: str, issued: list[Issued]) -> None:
        for number, each in enumerate(issued):
            (tmp_path / f"{number}.pem").write_bytes(each.pem + each.key_pem)
        server = tls_of("tls", tmp_path)
        assert served(server, NAME) == issued[0].der
        assert served(server, "x.b.example") == issued[1].der

    def test_that_are_no_ascii_end_the_handshake(
        self,
        pairs: list[ServerCertificate],
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """And nothing is printed of them: they are the client's own words."""
        told: list[object] = []
        monkeypatch.setattr("sys.unraisablehook", told.append)

        def spoil(hello: bytes) -> bytes:
            return hello.replace(b"relay.example.org", b"relay\xffexample\x80org")

        assert served(ServerTls(pairs), "relay.example.org") is not None
        with pytest.raises(ssl.SSLError):
            shake(ServerTls(pairs), lenient_context(), change_hello=spoil)
        assert told == []
        assert capfd.readouterr() == ("", "")

    def test_that_are_no_ascii_mean_nothing_where_there_is_one_certificate(
        self, pairs: list[ServerCertificate]
    ) -> None:
        def spoil(hello: bytes) -> bytes:
            return hello.replace(b"relay.example.org", b"relay\xffexample\x80org")

        with pytest.raises(ssl.SSLError) as failed:
            # Only the client finds that this is not the hello that it sent.
            shake(ServerTls(pairs[:1]), lenient_context(), change_hello=spoil)
        assert "CALLBACK" not in str(failed.value)

    def test_other_complaints_of_python_are_passed_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[Any] = []
        monkeypatch.setattr("sys.unraisablehook", told.append)

        class Bad:
            def __del__(self) -> None:
                raise RuntimeError("a mistake of ours")

        before = sys.unraisablehook
        with unprinted_names():
            Bad()
        assert [type(each.exc_value) for each in told] == [RuntimeError]
        assert sys.unraisablehook is before

    def test_of_the_served_certificates_are_those_of_now(
        self, issued: list[Issued], pairs: list[ServerCertificate]
    ) -> None:
        server = ServerTls(pairs[:2])
        assert served(server, "x.b.example") == issued[1].der
        server.serve(pairs[:1])
        assert server.certificates == tuple(pairs[:1])
        assert served(server, "x.b.example") == issued[0].der, "also where the first one stays"
        server.serve(pairs[1:])
        assert served(server, "x.b.example") == issued[1].der
        assert served(server, NAME) == issued[2].der
        server.serve(pairs[:2])
        assert served(server, NAME) == issued[0].der


def served(
    server: ServerTls, name: str | None, version: ssl.TLSVersion | None = None
) -> bytes | None:
    """The certificate that a client gets who asks for `name`."""
    return shake(server, lenient_context(version), name).getpeercert(binary_form=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_too_short_for_tls_is_refused_at_the_start(tmp_path: Path, kind: str) -> None:
    """Else the relay would listen, and fail each connection."""
    write_pair(tmp_path, issue(key=rsa_key(1024)))
    with pytest.raises((BadCertificate, BadEndpoint), match="is too short for any device"):
        tls_of(kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "said",
    [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["silent", "half a hello"],
)
def test_an_unfinished_handshake_is_cut_off_at_the_deadline_of_the_request(
    tmp_path: Path, kind: str, said: bytes
) -> None:
    clock: Any = Clock()
    write_pair(tmp_path, issue())
    hub = open_hub()
    peer, ours = pair_of_sockets()
    with peer:
        door: Any = DispatcherFactory(clock, serve_nobody, log=RecordedLog()).buildProtocol(None)
        stream = TlsStream(hub, ours, "", door, tls_of(kind, tmp_path))
        door.makeConnection(stream)
        if said:
            peer.send(said)
        hub.turns.settle()
        clock.advance(HEAD_SECONDS - 0.1)
        hub.turns.settle()
        assert stream.descriptor >= 0
        clock.advance(0.1)
        hub.turns.settle()
        assert stream.descriptor == -1
        assert hub.events == {}
        assert clock.getDelayedCalls() == []
    hub.stopService()


def serve_nobody(request: Request, address: object) -> RouteResult:
    raise AssertionError("no request was sent")


def test_a_relay_serves_tls_without_a_second_openssl() -> None:
    """None of ours asks for what Twisted can do without, not even where it is installed."""
    code = """
import json, sys
from vaultrelay.app import lean_imports
lean_imports.install()
import vaultrelay.commands.run, vaultrelay.transport.listening_service
print(json.dumps([name for name, module in sys.modules.items() if module]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert "ssl" in loaded
    assert not loaded & {
        "OpenSSL",
        "cryptography",
        "service_identity",
        "twisted.internet.ssl",
        "twisted.internet._sslverify",
        "twisted.protocols.tls",
    }
