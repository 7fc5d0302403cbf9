"""The TLS step: the parameters agreed with devices, and weaknesses that the server accepts."""

import os
import ssl
import warnings
from collections.abc import Iterator
from typing import Any

from twisted.internet import defer

from vaultrelay.certificates.trust import client_context
from vaultrelay.commands.checkup.certificate import (
    NAME_MISMATCH,
    certificate_warnings,
    explain_name_mismatch,
)
from vaultrelay.commands.checkup.probe import ANSWER_SECONDS, TlsFacts, probe_tls
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.commands.checkup.tls_endpoint import device_context
from vaultrelay.commands.checkup.trust import (
    NOT_STRICT,
    UNTRUSTED,
    explain_distrust,
    explain_strictness,
    ignored_stores,
)
from vaultrelay.policy.limits.diagnosis import CERTIFICATE_WARNING_DAYS
from vaultrelay.policy.operator_warning import OperatorWarning, in_days
from vaultrelay.policy.printable import printable
from vaultrelay.wire.relay_url import RelayUrl

_HTTP_1 = "http/1.1"
_HTTP_2 = "h2"
_ONLY_HTTP_2 = (
    "The server selects HTTP/2 only, and WebSockets need HTTP/1.1: configure the proxy to offer "
    "http/1.1 in ALPN, too."
)
_OLD_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1"}

Outcome = TlsFacts | Exception
"""The result of a handshake, or why it failed."""


async def check_tls(reactor: Any, url: RelayUrl) -> StepResult:
    """Shake hands as a device does, as a browser does, and as no client should any more."""
    try:
        agreed = await probe_tls(reactor, url, device_context(_HTTP_1))
    except ssl.SSLCertVerificationError as error:
        await _explain(reactor, url, error)
        raise
    except ssl.SSLError as error:
        # Some versions of Python have no name for it.
        if "no application protocol" in str(error).lower().replace("_", " "):
            raise CheckFailed(_ONLY_HTTP_2) from None
        raise
    except defer.TimeoutError:
        raise CheckFailed(
            f"The server accepts connections, but did not complete a handshake in {ANSWER_SECONDS} "
            "s. Does it serve TLS on this port?"
        ) from None
    strict = await _attempt(reactor, url, _strict_context())
    exact = await _attempt(reactor, url, _exact_context())
    old = await _attempt(reactor, url, _old_context())
    return StepResult(
        f"{agreed.version}, {agreed.cipher}; the certificate is valid for another "
        f"{agreed.days_left} days",
        {
            "version": agreed.version,
            "cipher": agreed.cipher,
            "alpn": agreed.alpn,
            "days_left": agreed.days_left,
            "old_version": old.version if isinstance(old, TlsFacts) else None,
        },
        tuple(_warnings(agreed, strict, exact, old)),
    )


async def _explain(reactor: Any, url: RelayUrl, error: ssl.SSLCertVerificationError) -> None:
    """Raises CheckFailed for a certificate of another name, or that not all clients trust."""
    text = printable(error.verify_message)
    if error.verify_code in NOT_STRICT:
        raise CheckFailed(f"{text}. {explain_strictness()}") from None
    if error.verify_code not in NAME_MISMATCH | UNTRUSTED:
        return
    seen = await _attempt(reactor, url, _unverified_context())
    if error.verify_code in UNTRUSTED:
        chain = seen.chain if isinstance(seen, TlsFacts) else ()
        raise CheckFailed(f"{text}. {explain_distrust(chain, os.environ)}") from None
    names = isinstance(seen, TlsFacts) and explain_name_mismatch(seen.certificate, url.host)
    if names:
        raise CheckFailed(names) from None


async def _attempt(reactor: Any, url: RelayUrl, context: ssl.SSLContext) -> Outcome:
    try:
        return await probe_tls(reactor, url, context)
    except Exception as error:
        return error


def _strict_context() -> ssl.SSLContext:
    """Return a context that refuses weak keys and signatures, as careful devices do."""
    context = device_context(_HTTP_2, _HTTP_1)
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    return context


def _exact_context() -> ssl.SSLContext:
    """Return a context that requires RFC 5280 certificates, as Python does since 3.13."""
    context = device_context(_HTTP_1)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def _unverified_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate, for inspection."""
    context = client_context(ssl.CERT_NONE)
    context.set_alpn_protocols([_HTTP_1])
    return context


def _old_context() -> ssl.SSLContext:
    """Return a context with TLS 1.0 and 1.1 only, without verification; if the local OpenSSL has
    them."""
    context = _unverified_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _warnings(
    agreed: TlsFacts, strict: Outcome, exact: Outcome, old: Outcome
) -> Iterator[OperatorWarning]:
    """Yield the weaknesses of a server that devices accept."""
    if agreed.days_left is not None and agreed.days_left <= CERTIFICATE_WARNING_DAYS:
        yield OperatorWarning(
            "certificate_ends_soon",
            f"The certificate expires {in_days(agreed.days_left)}: find out why it was not "
            "renewed, and load the new one into the server that terminates TLS here.",
        )
    yield from certificate_warnings(agreed.certificate)
    if agreed.alpn is None and isinstance(strict, TlsFacts) and strict.alpn == _HTTP_2:
        yield OperatorWarning("http_2_only", _ONLY_HTTP_2)
    elif agreed.alpn is None:
        yield OperatorWarning(
            "no_alpn",
            "The server does not answer ALPN, which some clients and proxies require: configure "
            "the server that terminates TLS here to select http/1.1.",
        )
    if isinstance(strict, ssl.SSLCertVerificationError) and "too weak" in strict.verify_message:
        yield OperatorWarning(
            "weak_key",
            "The certificate's key or signature is too weak for strict devices: have it reissued "
            "for a P-256 key, or RSA of 2048 bits.",
        )
    if isinstance(exact, ssl.SSLCertVerificationError) and exact.verify_code in NOT_STRICT:
        text = f"{printable(exact.verify_message)}. {explain_strictness()}"
        yield OperatorWarning("not_rfc_5280", text)
    if isinstance(old, TlsFacts):
        yield OperatorWarning(
            "old_tls",
            f"The server that terminates TLS here still accepts {_OLD_VERSIONS[old.version]}, "
            "which is insecure and which no device needs: allow TLS 1.2 and 1.3 only (nginx: "
            "ssl_protocols TLSv1.2 TLSv1.3; HAProxy: ssl-min-ver TLSv1.2).",
        )
    if ignored := ignored_stores(os.environ):
        yield OperatorWarning("trust_ignored", " ".join(ignored))
