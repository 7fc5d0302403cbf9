"""The TLS policy: what a client of the standard library can and cannot agree on with us."""

import ssl
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP192R1, generate_private_key
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from tests.certificates import (
    DAY,
    NAME,
    Key,
    ec_key,
    ed25519_key,
    issue,
    rsa_key,
    write_pair,
)
from vaultrelay.policy.limits import HEAD_SECONDS
from vaultrelay.transport.certificate import BadCertificate, load_pair
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.transport.front_door import FrontDoorFactory, Handover
from vaultrelay.transport.tls import ServerTls
from vaultrelay.wire.request import Request

V1_1, V1_2, V1_3 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
pytestmark = pytest.mark.filterwarnings(
    # What Twisted itself still uses.
    "ignore:Passing pyOpenSSL:DeprecationWarning",
    r"ignore:X509\.get_:DeprecationWarning",
)

KINDS = ("pair", "ssl", "tls")
"""A certificate and its key, an ``ssl:`` string, a ``tls:`` string."""
ALL_SUITES = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
MOST_ROUNDS = 10
GOOD_1_2 = {"AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-GCM-SHA256"}
GOOD_1_3 = {
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
}


class Echo(Protocol):
    """Says what it hears."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Server:
    """A TLS server in memory."""

    def __init__(self, kind: str, folder: Path, factory: Factory | None = None) -> None:
        echo = factory or Factory.forProtocol(Echo)
        certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
        reactor: Any = MemoryReactorClock()
        if kind == "pair":
            tls: Any = ServerTls([load_pair(certificate, key)])
            self._factory: Any = TLSMemoryBIOFactory(tls, False, echo)
        else:
            text = f"ssl:4433:privateKey={key}:certKey={certificate}"
            if kind == "tls":
                text = f"tls:{folder}:port=4433"
            read_endpoint(reactor, text).endpoint.listen(echo)
            (_, self._factory, *_) = reactor.tcpServers[0]
        self._clock: Any = Clock()
        self._factory._clock = self._clock

    def connect(self) -> tuple[Any, Any]:
        transport = StringTransport()
        protocol: Any = self._factory.buildProtocol(None)
        protocol.makeConnection(transport)
        return protocol, transport

    def shake(self, client: ssl.SSLContext, name: str | None = NAME) -> ssl.SSLObject:
        """The client's end of a connection that carried bytes both ways; SSLError for none."""
        protocol, transport = self.connect()
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        end = client.wrap_bio(to_client, to_server, server_hostname=name)
        asked = False
        for _ in range(MOST_ROUNDS):
            try:
                end.do_handshake()
                if not asked:
                    end.write(b"hello")
                    asked = True
                assert end.read(100) == b"hello"
            except ssl.SSLWantReadError:
                if sent := to_server.read():
                    protocol.dataReceived(sent)
                self._clock.advance(0)
                to_client.write(transport.value())
                transport.clear()
            else:
                return end
        raise AssertionError("the server did not answer")


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    write_pair(tmp_path, issue())
    return Server(request.param, tmp_path)


def make_client(
    version: ssl.TLSVersion | None = None,
    protocols: tuple[str, ...] = (),
    suites: str = "ALL:@SECLEVEL=0",
) -> ssl.SSLContext:
    """A client that would accept anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(suites)
    if protocols:
        context.set_alpn_protocols(protocols)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
    return context


def suites_of_1_2() -> list[str]:
    """The TLS 1.2 suites that the client knows."""
    known = make_client(suites=ALL_SUITES).get_ciphers()
    return [suite["name"] for suite in known if suite["protocol"] != "TLSv1.3"]


def agreed_suites(server: Server, names: list[str]) -> Iterator[str]:
    """Those of the suites that the server agrees to when nothing else is offered."""
    for name in names:
        try:
            end = server.shake(make_client(V1_2, suites=f"{name}:@SECLEVEL=0"))
        except ssl.SSLError:
            continue
        suite = end.cipher()
        assert suite is not None
        assert suite[0] == name
        yield name


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("h2", "http/1.1"), ("h2",)])
@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_clients_connect_whatever_protocols_they_offer(
    server: Server, version: ssl.TLSVersion, protocols: tuple[str, ...]
) -> None:
    end = server.shake(make_client(version, protocols))
    assert end.version() == {V1_2: "TLSv1.2", V1_3: "TLSv1.3"}[version]
    expected = "http/1.1" if "http/1.1" in protocols else None
    assert end.selected_alpn_protocol() == expected


def test_tls_1_1_is_refused(server: Server) -> None:
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        server.shake(make_client(V1_1))


def test_a_client_that_only_knows_1_1_could_be_served_elsewhere() -> None:
    """Or else the refusal above would tell nothing of the server."""
    end = make_client(V1_1).wrap_bio(ssl.MemoryBIO(), hello := ssl.MemoryBIO())
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
    agreed = set(agreed_suites(Server(kind, tmp_path), offered))
    assert agreed == {f"{prefix}-{suite}" for suite in GOOD_1_2}


def test_tls_1_3_agrees_on_its_aead_suites(server: Server) -> None:
    suite = server.shake(make_client(V1_3)).cipher()
    assert suite is not None
    assert suite[0] in GOOD_1_3


def test_the_server_chooses_the_suite(server: Server) -> None:
    preferred = "ECDHE-ECDSA-AES256-GCM-SHA384"
    suites = f"ECDHE-ECDSA-CHACHA20-POLY1305:{preferred}"
    suite = server.shake(make_client(V1_2, suites=suites)).cipher()
    assert suite is not None
    assert suite[0] == preferred


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_an_ed25519_certificate_serves(tmp_path: Path, kind: str, version: ssl.TLSVersion) -> None:
    write_pair(tmp_path, issue(key=ed25519_key()))
    assert Server(kind, tmp_path).shake(make_client(version)).version()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_knows_the_root_trusts_the_chain(tmp_path: Path, kind: str) -> None:
    root = issue((), subject="root", authority=True)
    middle = issue((), subject="middle", issuer=root, authority=True)
    write_pair(tmp_path, issue(issuer=middle), middle)
    client = ssl.create_default_context(cadata=root.pem.decode())
    assert Server(kind, tmp_path).shake(client).version()


@pytest.mark.parametrize("kind", KINDS)
def test_an_expired_certificate_is_served_for_its_devices_to_judge(
    tmp_path: Path, kind: str
) -> None:
    now = datetime.now(UTC)
    write_pair(tmp_path, issue(starts=now - 9 * DAY, ends=now - DAY))
    assert Server(kind, tmp_path).shake(make_client()).version()


@pytest.mark.parametrize("name", ["other.example.org", "192.0.2.7", None])
def test_a_client_that_names_another_host_gets_the_certificate_all_the_same(
    server: Server, name: str | None
) -> None:
    assert server.shake(make_client(), name).getpeercert(binary_form=True)


def test_a_folder_serves_each_name_with_its_own_certificate(tmp_path: Path) -> None:
    first, second = issue(["a.example"]), issue(["*.b.example"])
    for number, issued in enumerate((first, second)):
        (tmp_path / f"{number}.pem").write_bytes(issued.pem + issued.key_pem)
    server = Server("tls", tmp_path)
    assert served(server, "a.example") == first.der
    assert served(server, "x.b.example") == second.der


def served(server: Server, name: str) -> bytes | None:
    """The certificate that a client gets who asks for `name`."""
    return server.shake(make_client(), name).getpeercert(binary_form=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_too_short_for_tls_is_refused_at_the_start(tmp_path: Path, kind: str) -> None:
    """Else the relay would listen, and fail each connection with a traceback."""
    certificate, key = write_pair(tmp_path, issue(key=rsa_key(1024)))
    with pytest.raises((BadCertificate, BadEndpoint)):
        start(kind, certificate, key)


def start(kind: str, certificate: Path, key: Path) -> None:
    """What the relay does with a pair before it listens."""
    if kind == "pair":
        ServerTls([load_pair(certificate, key)])
        return
    text = f"ssl:4433:privateKey={key}:certKey={certificate}"
    if kind == "tls":
        text = f"tls:{certificate.parent}:port=4433"
    read_endpoint(MemoryReactorClock(), text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "said",
    [None, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["silent", "half a hello"],
)
def test_an_unfinished_handshake_is_cut_off_at_the_deadline_of_the_request(
    tmp_path: Path, kind: str, said: bytes | None
) -> None:
    clock: Any = Clock()
    write_pair(tmp_path, issue())
    server = Server(kind, tmp_path, FrontDoorFactory(clock, serve_nobody))
    protocol, transport = server.connect()
    if said is not None:
        protocol.dataReceived(said)
    clock.advance(HEAD_SECONDS - 0.1)
    assert not transport.disconnected
    clock.advance(0.1)
    assert transport.disconnected
    assert clock.getDelayedCalls() == []


def serve_nobody(request: Request, address: object) -> Handover:
    raise AssertionError("no request was sent")


def test_a_key_on_a_curve_that_openssl_does_not_take_is_refused(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, issue(key=generate_private_key(SECP192R1())))
    with pytest.raises(BadCertificate, match=r"cannot be used for TLS: ."):
        start("pair", certificate, key)
    with pytest.raises(BadEndpoint, match=r"names a certificate that cannot be used for TLS: ."):
        start("ssl", certificate, key)
