"""What the relay makes of endpoint strings, and why it refuses others."""

import pytest
from twisted.internet.testing import MemoryReactorClock

from tests.authority import NAME
from tests.transport.tls_client import lenient_context, shake
from vaultrelay.certificates.server_certificate import ServerCertificate
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

ADDRESS = "127.0.0.1"


def take(text: str) -> Endpoint:
    """What the relay does with an endpoint string before it listens."""
    return read_endpoint(MemoryReactorClock(), text)


def pairs_of(text: str) -> tuple[ServerCertificate, ...]:
    """What a string with TLS would serve."""
    tls = take(text).tls
    assert tls is not None
    return tls.certificates


def first_served(text: str, name: str = NAME) -> bytes | None:
    """The certificate that a client gets if it asks for `name` (SNI)."""
    tls = take(text).tls
    assert tls is not None
    return shake(tls, lenient_context(), name).getpeercert(binary_form=True)


def refusal_of(text: str) -> str:
    with pytest.raises(BadEndpoint) as caught:
        take(text)
    return str(caught.value)
