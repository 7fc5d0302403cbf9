"""The TLS step: the parameters agreed with devices, and weaknesses that the server accepts."""

import os
import ssl
import warnings
from typing import Any

from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup.certificate import (
    NAME_MISMATCH,
    look_at_certificate,
    unverified_context,
    what_it_is_for,
)
from vaultrelay.commands.checkup.probe import TlsFacts, greet
from vaultrelay.commands.checkup.result import CheckFailed, Found
from vaultrelay.commands.checkup.trust import (
    NOT_STRICT,
    UNTRUSTED,
    explain_distrust,
    explain_strictness,
    ignored_stores,
)
from vaultrelay.logs import printable
from vaultrelay.policy.limits import CERTIFICATE_WARNING_DAYS
from vaultrelay.policy.operator_warning import OperatorWarning, in_days

_HTTP_1 = "http/1.1"
_HTTP_2 = "h2"
_ONLY_HTTP_2 = (
    "TLS is answered for HTTP/2 only, and WebSockets need HTTP/1.1: let the proxy offer http/1.1 "
    "in ALPN as well."
)


async def look_at_tls(reactor: Any, url: RelayUrl) -> Found:
    """Shake hands as a device does, as a browser does, and as no client should any more."""
    try:
        agreed = await greet(reactor, url, _context(_HTTP_1))
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in NAME_MISMATCH:
            seen = await _attempt(reactor, url, unverified_context())
            text = isinstance(seen, TlsFacts) and what_it_is_for(seen.certificate, url.host)
            if text:
                raise CheckFailed(text) from None
        await _explain(reactor, url, error)
        raise
    except ssl.SSLError as error:
        # Some versions of Python have no name for it.
        if "no application protocol" in str(error).lower().replace("_", " "):
            raise CheckFailed(_ONLY_HTTP_2) from None
        raise
    strict = await _attempt(reactor, url, _strict_context())
    exact = await _attempt(reactor, url, _exact_context())
    old = await _attempt(reactor, url, _old_context())
    found = (
        _ends_soon(agreed),
        *look_at_certificate(agreed.certificate),
        _no_alpn(agreed, strict),
        _weak_key(strict),
        _not_exact(exact),
        _accepts_old(old),
        _ignored_stores(),
    )
    return Found(
        f"{agreed.version}, {agreed.cipher}; the certificate is good for another "
        f"{agreed.days_left} days",
        {
            "version": agreed.version,
            "cipher": agreed.cipher,
            "alpn": agreed.alpn,
            "days_left": agreed.days_left,
            "old_version": old.version if isinstance(old, TlsFacts) else None,
        },
        tuple(finding for finding in found if finding),
    )


async def _explain(reactor: Any, url: RelayUrl, error: ssl.SSLCertVerificationError) -> None:
    """Raises CheckFailed for a certificate that is not trusted, or only by lenient clients."""
    text = printable(error.verify_message)
    if error.verify_code in NOT_STRICT:
        raise CheckFailed(f"{text}. {explain_strictness()}") from None
    if error.verify_code in UNTRUSTED:
        seen = await _attempt(reactor, url, _unverified_context())
        chain = seen.chain if isinstance(seen, TlsFacts) else ()
        raise CheckFailed(f"{text}. {explain_distrust(chain, os.environ)}") from None


async def _attempt(reactor: Any, url: RelayUrl, context: ssl.SSLContext) -> TlsFacts | Exception:
    try:
        return await greet(reactor, url, context)
    except Exception as error:
        return error


def _context(*protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(protocols)
    return context


def _strict_context() -> ssl.SSLContext:
    """Return a context that refuses weak keys and signatures, as careful devices do."""
    context = _context(_HTTP_2, _HTTP_1)
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    return context


def _exact_context() -> ssl.SSLContext:
    """Return a context that requires RFC 5280 certificates, as Python does since 3.13."""
    context = _context(_HTTP_1)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def _unverified_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate, for inspection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
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


def _ends_soon(agreed: TlsFacts) -> OperatorWarning | None:
    days = agreed.days_left
    if days is None or days > CERTIFICATE_WARNING_DAYS:
        return None
    return OperatorWarning(
        "certificate_ends_soon",
        f"The certificate ends {in_days(days)}: see why it has not been renewed, and let what ends "
        "TLS here load the new one.",
    )


def _no_alpn(agreed: TlsFacts, strict: TlsFacts | Exception) -> OperatorWarning | None:
    if agreed.alpn is not None:
        return None
    if isinstance(strict, TlsFacts) and strict.alpn == _HTTP_2:
        return OperatorWarning("http_2_only", _ONLY_HTTP_2)
    return OperatorWarning(
        "no_alpn",
        "The server does not answer ALPN, on which some clients and proxies insist: let what ends "
        "TLS here select http/1.1.",
    )


def _weak_key(strict: TlsFacts | Exception) -> OperatorWarning | None:
    is_weak = isinstance(strict, ssl.SSLCertVerificationError) and (
        "too weak" in strict.verify_message
    )
    if not is_weak:
        return None
    return OperatorWarning(
        "weak_key",
        "The certificate's key or signature is too weak for careful devices: have it issued anew "
        "for a key of P-256, or RSA of 2048 bits.",
    )


def _not_exact(exact: TlsFacts | Exception) -> OperatorWarning | None:
    if not isinstance(exact, ssl.SSLCertVerificationError) or exact.verify_code not in NOT_STRICT:
        return None
    text = f"{printable(exact.verify_message)}. {explain_strictness()}"
    return OperatorWarning("not_rfc_5280", text)


def _ignored_stores() -> OperatorWarning | None:
    sentences = ignored_stores(os.environ)
    return OperatorWarning("trust_ignored", " ".join(sentences)) if sentences else None


def _accepts_old(old: TlsFacts | Exception) -> OperatorWarning | None:
    if not isinstance(old, TlsFacts):
        return None
    version = "TLS 1.0" if old.version == "TLSv1" else "TLS 1.1"
    return OperatorWarning(
        "old_tls",
        f"What ends TLS here still accepts {version}, which is broken and which no device needs: "
        "allow TLS 1.2 and 1.3 alone (nginx: ssl_protocols TLSv1.2 TLSv1.3; HAProxy: ssl-min-ver "
        "TLSv1.2).",
    )
