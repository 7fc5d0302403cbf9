"""TLS of the scripted relay: its certificates are what the cases say, and clients see them."""

import gc
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from weakref import ref

import pytest
from cryptography import x509
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from vaultrelay.conformance import relay_tls
from vaultrelay.conformance.pulse import Pulse
from vaultrelay.conformance.relay_connection import RelayConnection
from vaultrelay.conformance.relay_tls import NAME, TlsConnection, context_of, trust_root

CENTURY = datetime(2125, 1, 1, tzinfo=UTC)
REQUEST = b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n"


class Transport(StringTransport):
    """A transport in memory."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It has no delay."""


class Client:
    """A client in memory, at a connection with one of the certificates."""

    def __init__(self, certificate: str, version: str = "1.3") -> None:
        clock: Any = Clock()
        self.inner = RelayConnection(Pulse(clock), lambda side, text: None)
        self.transport = Transport()
        self.relay = TlsConnection(context_of(certificate, version), self.inner)
        self.relay.makeConnection(self.transport)
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cadata=trust_root())
        self.tls = context.wrap_bio(self.received, self.to_send, server_hostname=NAME)

    def shake(self) -> None:
        """Shake hands. Raises SSLError."""
        try:
            for _ in range(4):
                with suppress(ssl.SSLWantReadError):
                    self.tls.do_handshake()
                self.flush()
        finally:
            # The alert, if there is one.
            self.flush()

    def flush(self) -> None:
        """Pass on what both sides have to say."""
        if data := self.to_send.read():
            self.relay.dataReceived(data)
        self.received.write(self.transport.value())
        self.transport.clear()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_is_connected(version: str) -> None:
    client = Client("valid", version)
    client.shake()
    assert client.tls.version() == f"TLSv{version}"
    assert client.inner.server_name == NAME
    client.tls.write(REQUEST)
    client.flush()
    assert client.inner.request is not None
    client.inner.send(b"answer")
    client.flush()
    assert client.tls.read(100) == b"answer"
    client.inner.finish()
    assert client.transport.disconnecting


def test_a_connection_is_not_kept() -> None:
    client = Client("valid")
    client.shake()
    inner = ref(client.inner)
    del client
    gc.collect()
    assert inner() is None


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ("expired", "certificate has expired"),
        ("other-name", "Hostname mismatch"),
        ("untrusted", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_certificate_is_bad_for_one_reason(certificate: str, reason: str) -> None:
    client = Client(certificate)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        client.shake()
    assert client.inner.request is None
    assert client.transport.disconnecting


@pytest.mark.parametrize("certificate", ["valid", "other-name", "untrusted"])
def test_the_others_last_for_a_century(certificate: str) -> None:
    folder = relay_tls._CASES
    found = x509.load_pem_x509_certificate((folder / f"{certificate}.pem").read_bytes())
    assert found.not_valid_after_utc > CENTURY
