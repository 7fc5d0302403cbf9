"""The cause of a failed step, and its cure."""

import os
import ssl

from twisted.internet.defer import CancelledError, FirstError
from twisted.internet.error import ConnectError, ConnectionClosed

from vaultrelay.client import Closed, Refused
from vaultrelay.logs import printable
from vaultrelay.policy.tls_reasons import CURES, describe_tls_reason
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.refusal import token_required

_SENTENCES = {code.number: code.sentence for code in CloseCode}
_NO_CLOSE = 1006
_WITH_WORDS = (Closed, Refused, ConnectError, ConnectionClosed, OSError, UnicodeError)
"""Exceptions with texts for people."""
_LONGEST_WORDS = 1000
_CLOSE_CURES = {
    _NO_CLOSE: "The relay, or something on the way to it, stopped or was cut off. Is it still "
    "running?",
    CloseCode.AUDIENCE.number: " Its operator can add this name with --public-url.",
    CloseCode.RATE.number: " Its operator limits rates with --rate-messages and --rate-bytes.",
    CloseCode.NOT_ALLOWED.number: " This check has a channel of its own, and cannot go on where "
    "only listed ones are admitted. Up to here, all is well.",
}
_REFUSAL_CURES = {
    "address_not_allowed": "Its operator allows addresses with --allow-from and --deny-from.",
    "origin_not_allowed": "A proxy adds the header Origin, which browsers alone send: let it not.",
}
_GIVE_ONE = "For this check, --token-file FILE does, too."
_LOST_ON_ITS_WAY = (
    "A token was given, and the relay did not get it: let the proxy pass the header Authorization "
    "on."
)
_NO_TOKEN_CAME = token_required(is_wrong=False).detail
_HINTS = {
    ("name", ""): "Is the host name spelled right, and does DNS know it?",
    ("tcp", ""): "Is the relay running, is the port right, does a firewall let it through?",
    ("tls", ""): "Does the relay serve TLS here, and is its certificate for this name and valid?",
    ("upgrade", ""): "Does a proxy in front of the relay pass WebSocket upgrades on?",
    ("join", "TimeoutError"): "Is there more than one relay behind this name? The devices of a "
    "vault must all reach the same one.",
    ("upgrade", "TimeoutError"): "Something accepts connections here but does not answer as a "
    "relay would; a proxy may hold the upgrade back.",
}
_CERTIFICATE_CURES = {
    9: "Is this machine's clock right?",
    10: "Renew the certificate, and let what ends TLS here load the new one.",
    18: "No device trusts it unless told to: get a certificate from a public authority, such as "
    "Let's Encrypt, or have every device trust this one.",
    20: "Serve the certificate with its chain (fullchain.pem, not cert.pem).",
    62: "Dial a name that is in the certificate, or have it issued for this name as well.",
    64: "Dial a name that is in the certificate, or have it issued for this address as well.",
    67: "Have the issuer's certificate replaced by one for a key of P-256, or RSA of 2048 bits.",
    68: "It, or that of its issuer, is signed with SHA-1 or MD5: have it issued anew, signed with "
    "SHA-256.",
    66: "Have the certificate issued anew for a key of P-256, or RSA of 2048 bits.",
}
"""By OpenSSL's number for what is wrong with a certificate (X509_V_ERR_ in its x509_vfy.h)."""
_CERTIFICATE_CURES |= {19: _CERTIFICATE_CURES[18], 21: _CERTIFICATE_CURES[20]}


def explain(error: BaseException, step: str, seconds: int, *, has_token: bool = False) -> str:
    """Return the cause of the failure of a step, which had `seconds` seconds, and its cure."""
    while isinstance(error, FirstError):
        # The text of an exception that wraps another is a traceback.
        error = error.subFailure.value or CancelledError()
    text = printable(_cause(error, seconds)) or type(error).__name__
    hint = _HINTS.get((step, type(error).__name__)) or _HINTS.get((step, ""), "")
    if isinstance(error, Refused):
        hint = _REFUSAL_CURES.get(error.error, "")
        if error.detail == _NO_TOKEN_CAME:
            hint = _LOST_ON_ITS_WAY if has_token else _GIVE_ONE
    if isinstance(error, Closed):
        hint = _SENTENCES.get(error.code, "") + _CLOSE_CURES.get(error.code, "")
    if isinstance(error, CancelledError):
        hint = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = _CERTIFICATE_CURES.get(error.verify_code, hint)
    elif isinstance(error, ssl.SSLError):
        hint = CURES.get(getattr(error, "reason", None) or "", hint)
    stop = "" if text.endswith((".", "?", ")")) else "."
    return f"{text}{stop} {hint}".strip()


def _cause(error: BaseException, seconds: int) -> str:
    if isinstance(error, CancelledError):
        return "interrupted"
    if type(error).__name__ == "TimeoutError":
        # Twisted has several of them, none with a text for people.
        return f"no answer in {seconds} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None)
        return describe_tls_reason(reason) if reason else ""
    if isinstance(error, Closed) and error.code == _NO_CLOSE:
        return "the connection ended without a close"
    if isinstance(error, ConnectError) and error.osError:
        # Twisted's text repeats it three times.
        return os.strerror(error.osError)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, _WITH_WORDS):
        return str(error).partition("\n")[0][:_LONGEST_WORDS]
    # The texts of other exceptions are for programmers.
    return f"an error that this check does not know, {type(error).__name__}"
