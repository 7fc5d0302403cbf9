"""The cause of a failed step, and its cure."""

import os
import ssl

from twisted.internet.defer import CancelledError, FirstError
from twisted.internet.error import ConnectError, ConnectionClosed

from vaultrelay.client import Closed, Refused
from vaultrelay.policy.printable import printable
from vaultrelay.policy.tls_reasons import CURES as TLS_CURES
from vaultrelay.policy.tls_reasons import describe_tls_reason
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.refusal import token_required

_SENTENCES = {code.number: code.sentence for code in CloseCode}
_NO_CLOSE = 1006
_WITH_TEXT = (ConnectError, ConnectionClosed, OSError, UnicodeError)
"""Exceptions with texts for people."""
_CAUSE_CHARS = 1000
_CLOSE_CURES = {
    _NO_CLOSE: "The relay stopped, or a proxy or the network ended the connection. Is the relay "
    "still running?",
    CloseCode.AUDIENCE.number: " Its operator can add this name with --public-url.",
    CloseCode.RATE.number: " Its operator limits rates with --rate-messages and --rate-bytes.",
    CloseCode.NOT_ALLOWED.number: " This check uses a channel of its own, and cannot continue if "
    "the relay admits only listed channels. All steps before this one passed.",
}
_REFUSAL_CURES = {
    "address_not_allowed": "Its operator allows addresses with --allow-from and --deny-from.",
    "origin_not_allowed": "A proxy adds the Origin header, which only browsers send: remove it "
    "there.",
}
_USE_FILE = "For this check, use --token-file FILE."
_HEADER_LOST = (
    "A token was sent, but the relay did not receive it: configure the proxy to forward the "
    "Authorization header."
)
_TOKEN_MISSING = token_required(is_wrong=False).detail
_CURES = {
    ("name", ""): "Is the host name spelled correctly, and does it exist in DNS?",
    ("tcp", ""): "Is the relay running, is the port correct, and does the firewall allow it?",
    ("tls", ""): "Does the relay serve TLS here, and is its certificate valid and for this name?",
    ("upgrade", ""): "Does a proxy in front of the relay forward WebSocket upgrades?",
    ("join", "TimeoutError"): "Is there more than one relay behind this name? The devices of a "
    "vault must all reach the same one.",
    ("mailbox", "TimeoutError"): "Does the disk of the relay's mailbox respond?",
    (
        "upgrade",
        "TimeoutError",
    ): "A server accepts connections here, but does not answer like a relay; "
    "a proxy may block the upgrade.",
}
_OTHER_NAMES = (
    "An authority in its chain is not allowed to issue certificates for this name: have it issued "
    "by another."
)
_CERTIFICATE_CURES = {
    9: "Is this machine's clock correct?",
    10: "Renew the certificate, and load the new one into the server that terminates TLS here.",
    18: "No device trusts it by default: get a certificate from a public authority, such as "
    "Let's Encrypt, or install this one on every device.",
    20: "Serve the certificate with its chain (fullchain.pem, not cert.pem).",
    26: "It, or an authority in its chain, is not for servers: have it reissued with the extended "
    "key usage serverAuth.",
    47: _OTHER_NAMES,
    48: _OTHER_NAMES,
    62: "Use a name in the certificate, or have it reissued to include this name.",
    64: "Use a name in the certificate, or have it reissued to include this address.",
    67: "Have the issuer's certificate replaced by one with a P-256 key, or RSA of 2048 bits.",
    68: "It, or that of its issuer, is signed with SHA-1 or MD5: have it reissued with SHA-256.",
    66: "Have the certificate reissued for a P-256 key, or RSA of 2048 bits.",
}
"""By OpenSSL's number for what is wrong with a certificate (X509_V_ERR_ in its x509_vfy.h)."""
_CERTIFICATE_CURES |= {19: _CERTIFICATE_CURES[18], 21: _CERTIFICATE_CURES[20]}


def explain(error: BaseException, step: str, seconds: int, *, has_token: bool = False) -> str:
    """Return the cause of the failure of a step, which had `seconds` seconds, and its cure."""
    while isinstance(error, FirstError):
        # The text of an exception that wraps another is a traceback.
        error = error.subFailure.value or CancelledError()
    kind = type(error).__name__
    cure = _CURES.get((step, kind)) or _CURES.get((step, ""), "")
    match error:
        case CancelledError():
            cause, cure = "interrupted", ""
        case Closed():
            is_closed = error.code != _NO_CLOSE
            cause = str(error) if is_closed else "the connection ended without a close frame"
            cure = _SENTENCES.get(error.code, "") + _CLOSE_CURES.get(error.code, "")
        case Refused():
            cause, cure = str(error), _REFUSAL_CURES.get(error.error, "")
            if error.detail == _TOKEN_MISSING:
                cure = _HEADER_LOST if has_token else _USE_FILE
        case ssl.SSLCertVerificationError():
            cause, cure = error.verify_message, _CERTIFICATE_CURES.get(error.verify_code, cure)
        case ssl.SSLError():
            reason = getattr(error, "reason", None) or ""
            cause, cure = reason and describe_tls_reason(reason), TLS_CURES.get(reason, cure)
        case _:
            cause = _cause(error, seconds)
    text = printable(cause.partition("\n")[0][:_CAUSE_CHARS]) or kind
    stop = "" if text.endswith((".", "?", ")")) else "."
    return f"{text}{stop} {cure}".strip()


def _cause(error: BaseException, seconds: int) -> str:
    kind = type(error).__name__
    if kind == "TimeoutError":
        # Twisted has several of them, none with a text for people.
        return f"no answer in {seconds} s"
    if isinstance(error, ConnectError) and error.osError:
        # Twisted's text repeats it three times.
        return os.strerror(error.osError)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, _WITH_TEXT):
        return str(error)
    # The texts of other exceptions are for programmers.
    return f"an unexpected error, {kind}"
