"""The client's TLS: which certificates it accepts, and what it reports of the others."""

import ssl
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from tests.authority import DAY, NAME, Issued, chain, issue, write_pair
from tests.instant_endpoint import InstantEndpoint
from vaultrelay.certificates.x509 import read_certificate
from vaultrelay.client import Refused, TlsFailed, Untrusted, connect, relay_endpoint
from vaultrelay.client import tls as client_tls
from vaultrelay.client.tls import RelayTls
from vaultrelay.wire.host import host_port

SEED = bytes(32)
ROUNDS = 10


class Attempt:
    """A `connect` to a server that takes its steps when the test says so."""

    def __init__(
        self,
        wire: InstantEndpoint,
        host: str,
        trust_roots: bytes | None,
        endpoint: IStreamClientEndpoint | None = None,
    ) -> None:
        self.wire = wire
        self.clock: Any = MemoryReactorClock()
        self.received = b""
        self.server_name: str | None = None
        self._ended: list[Any] = []
        url = f"wss://any:token@{host_port(host, 443)}"
        work = connect(self.clock, url, SEED, b"device-a", trust_roots, endpoint)
        self.work = ensureDeferred(work).addErrback(self._ended.append)

    def meet(self, server: ssl.SSLContext) -> "Attempt":
        """Shake hands, and read the request."""
        to_us, from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        end = server.wrap_bio(to_us, from_us, server_side=True)
        end.context.sni_callback = self._named
        for _ in range(ROUNDS):
            self.clock.advance(0)
            to_us.write(self.wire.transport.value())
            self.wire.transport.clear()
            with suppress(ssl.SSLError):
                end.do_handshake()
                self.received += end.read(1 << 16)
            if not self.wire.transport.disconnecting and (said := from_us.read()):
                self.wire.protocol.dataReceived(said)
        return self

    def _named(self, end: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self.server_name = name

    def error(self, reason: Exception | None = None) -> Exception:
        """What `connect` raises at the end of TCP."""
        self.wire.protocol.connectionLost(Failure(reason or ConnectionDone()))
        assert self.clock.getDelayedCalls() == []
        (found,) = self._ended
        assert isinstance(found.value, Exception)
        return found.value


Dial = Callable[..., Attempt]


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> Dial:
    def start(host: str = NAME, trust_roots: bytes | None = None) -> Attempt:
        wire = InstantEndpoint()
        monkeypatch.setattr(relay_endpoint, "HostnameEndpoint", lambda *_, **__: wire)
        return Attempt(wire, host, trust_roots)

    return start


def serve(folder: Path, issued: Issued, *issuers: Issued) -> ssl.SSLContext:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_pair(folder, issued, *issuers))
    return context


def is_accepted(attempt: Attempt) -> bool:
    """Whether a certificate is accepted: its server gets the request."""
    return isinstance(attempt.error(), Refused) and attempt.received.startswith(b"GET / HTTP/1.1")


@pytest.mark.parametrize(
    ("name", "host", "server_name"),
    [
        (NAME, NAME, NAME),
        ("*.example.org", NAME, NAME),
        ("192.0.2.1", "192.0.2.1", None),
        ("2001:db8::1", "2001:db8::1", None),
        ("m\xfcller.example", "m\xfcller.example", "xn--mller-kva.example"),
    ],
    ids=["name", "wildcard", "IPv4", "IPv6", "IDNA"],
)
def test_a_certificate_for_the_host_is_accepted(
    tmp_path: Path, dial: Dial, name: str, host: str, server_name: str | None
) -> None:
    own, root = chain([name])
    attempt = dial(host, root.pem).meet(serve(tmp_path, own))
    assert is_accepted(attempt)
    assert attempt.server_name == server_name


def test_one_of_several_roots_is_enough(tmp_path: Path, dial: Dial) -> None:
    own, root = chain()
    assert is_accepted(dial(NAME, issue().pem + root.pem).meet(serve(tmp_path, own)))


def test_with_roots_an_endpoint_is_tcp_only(tmp_path: Path) -> None:
    own, root = chain()
    wire = InstantEndpoint()
    assert is_accepted(Attempt(wire, NAME, root.pem, wire).meet(serve(tmp_path, own)))


def refused(attempt: Attempt) -> str:
    """The report of a certificate that is not accepted, to whose server nothing was sent."""
    assert attempt.received == b""
    assert attempt.wire.transport.disconnecting
    error = attempt.error()
    assert isinstance(error, Untrusted)
    return str(error)


class TestCertificatesRefused:
    def test_for_another_host(self, tmp_path: Path, dial: Dial) -> None:
        own, root = chain([NAME, "192.0.2.1"])
        server = serve(tmp_path, own)
        for host in ("other.example", "192.0.2.2", "example.org"):
            assert refused(dial(host, root.pem).meet(server)) == (
                f"The certificate of {host} is for {NAME}, 192.0.2.1, not for this host. Dial a "
                "name that is in the certificate, or have it reissued to include this one."
            )

    @pytest.mark.parametrize(
        ("names", "said"),
        [
            ((), "contains no host name. Devices ignore a common name (CN)"),
            (("*.lan",), "is for *.lan, not for this host."),
            (("*.*.example.org",), "is for *.*.example.org, not for this host."),
        ],
        ids=["none", "one label", "two wildcards"],
    )
    def test_whose_names_service_identity_cannot_read(
        self, tmp_path: Path, dial: Dial, names: tuple[str, ...], said: str
    ) -> None:
        """Twisted itself logs this, and accepts them for every host."""
        root = issue((), subject="root", authority=True)
        own = issue((), issuer=root, alternatives=[x509.DNSName(name) for name in names])
        for host in (NAME, "relay.lan"):
            assert said in refused(dial(host, root.pem).meet(serve(tmp_path, own)))

    def test_that_cryptography_cannot_read(
        self, tmp_path: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError

        own, root = chain()
        monkeypatch.setattr(X509, "to_cryptography", fail)
        monkeypatch.setattr(client_tls, "read_certificate", lambda der: read_certificate(der[:9]))
        assert "no host name" in refused(dial(NAME, root.pem).meet(serve(tmp_path, own)))

    @pytest.mark.parametrize(
        ("days", "said"),
        [
            ((-9, -1), "has expired. Renew it there, if this machine's clock is correct."),
            ((1, 9), "is not valid yet. Is this machine's clock correct?"),
        ],
    )
    def test_of_another_time(
        self, tmp_path: Path, dial: Dial, days: tuple[int, int], said: str
    ) -> None:
        now = datetime.now(UTC)
        own, root = chain(starts=now + days[0] * DAY, ends=now + days[1] * DAY)
        attempt = dial(NAME, root.pem).meet(serve(tmp_path, own))
        assert refused(attempt) == f"The certificate of {NAME} {said}"

    def test_of_an_unknown_authority(self, tmp_path: Path, dial: Dial) -> None:
        own, root = chain()
        said = f"The certificate of {NAME} is not from an authority that this machine trusts. "
        assert refused(dial().meet(serve(tmp_path, own))).startswith(said)
        attempt = dial().meet(serve(tmp_path, own, root))
        said = said.replace(NAME, f"{NAME}, or one in its chain,")
        assert refused(attempt).startswith(said)

    def test_of_no_authority(self, tmp_path: Path, dial: Dial) -> None:
        said = refused(dial(NAME, issue().pem).meet(serve(tmp_path, issue())))
        assert "is self-signed, and this machine does not trust it. Get one" in said

    def test_of_an_authority_that_is_none(self, tmp_path: Path, dial: Dial) -> None:
        """Any other fault has OpenSSL's number."""
        root = issue((), subject="root", authority=True)
        middle = issue((), subject="middle", issuer=root)
        server = serve(tmp_path, issue(issuer=middle), middle)
        said = refused(dial(NAME, root.pem).meet(server))
        assert "or one in its chain, is not valid (X509 error 79). Test the relay with" in said


def test_a_server_with_tls_1_1_only_is_refused(tmp_path: Path, dial: Dial) -> None:
    own, root = chain()
    server = serve(tmp_path, own)
    with warnings.catch_warnings(action="ignore"):
        server.minimum_version, server.maximum_version = (
            ssl.TLSVersion.TLSv1,
            ssl.TLSVersion.TLSv1_1,
        )
    server.set_ciphers("ALL:@SECLEVEL=0")
    attempt = dial(NAME, root.pem).meet(server)
    assert attempt.received == b""
    error = attempt.error()
    assert isinstance(error, TlsFailed)
    assert str(error).startswith(f"No TLS with {NAME}: ")
    assert "enable TLS 1.2 and 1.3" in str(error)


def test_an_answer_in_plain_text_is_reported(dial: Dial) -> None:
    attempt = dial()
    attempt.wire.protocol.dataReceived(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert attempt.wire.transport.disconnecting
    error = attempt.error()
    assert isinstance(error, TlsFailed)
    assert not isinstance(error, Untrusted)
    assert "This port speaks ws:// (HTTP), not TLS: dial ws://" in str(error)


def test_an_answer_that_is_neither_is_reported(dial: Dial) -> None:
    attempt = dial()
    attempt.wire.protocol.dataReceived(bytes(100))
    error = attempt.error()
    assert isinstance(error, TlsFailed)


@pytest.mark.parametrize("reason", [ConnectionDone(), ConnectionLost()])
def test_an_end_during_the_handshake_is_no_answer(dial: Dial, reason: Exception) -> None:
    error = dial().error(reason)
    assert isinstance(error, Refused)
    assert "ended without an answer" in str(error)


def test_a_server_that_stalls_is_left(dial: Dial) -> None:
    attempt = dial()
    attempt.clock.advance(relay_endpoint.CONNECT_SECONDS)
    assert attempt.wire.transport.disconnecting
    assert isinstance(attempt.error(), CancelledError)


def test_no_protocol_is_offered_in_alpn(tmp_path: Path, dial: Dial) -> None:
    own, root = chain()
    server = serve(tmp_path, own)
    server.set_alpn_protocols(["h2"])
    assert is_accepted(dial(NAME, root.pem).meet(server))


@pytest.mark.parametrize("roots", [b"", b"nothing in PEM"])
def test_roots_that_are_none_are_reported_before_anything_is_dialled(roots: bytes) -> None:
    with pytest.raises(ValueError, match="PEM"):
        RelayTls(NAME, roots)


def test_where_openssl_has_no_roots_they_are_pythons(
    tmp_path: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, root = chain()
    (tmp_path / "roots.pem").write_bytes(root.pem)
    server = serve(tmp_path, own)
    monkeypatch.setattr(client_tls, "_WITHOUT_OWN_ROOTS", {sys.platform})
    monkeypatch.setattr(client_tls, "platformTrust", None)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    assert is_accepted(dial().meet(server))


def test_the_platforms_roots_are_those_of_its_variable(
    tmp_path: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, root = chain()
    (tmp_path / "roots.pem").write_bytes(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    assert is_accepted(dial().meet(serve(tmp_path, own)))


def test_an_error_without_a_reason_is_reported_all_the_same() -> None:
    said = f"No TLS with {NAME}: no reason given. Does the relay serve TLS on this port?"
    assert str(RelayTls(NAME).explain(SSL.Error())) == said
