"""What is said of each failure."""

import os
import ssl

import pytest
from twisted.internet.defer import CancelledError, FirstError
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.python.failure import Failure

from vaultrelay.client import Closed, Refused
from vaultrelay.commands.checkup.explain import explain
from vaultrelay.wire.refusal import token_required


def ssl_error(reason: str = "", code: int = 1) -> ssl.SSLError:
    """An error as the standard library raises it; without a reason, of a certificate."""
    error = ssl.SSLError() if reason else ssl.SSLCertVerificationError()
    error.reason = reason or "CERTIFICATE_VERIFY_FAILED"
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message, error.verify_code = "it is bad", code
    return error


@pytest.mark.parametrize(
    ("error", "step", "said"),
    [
        (OSError(-2, "Name or service not known"), "name", "Name or service not known. Is the"),
        (Refusal(), "tcp", "Connection was refused by other side. Is the relay running"),
        (Refusal(osError=111), "tcp", f"{os.strerror(111)}. Is the relay running"),
        (ssl_error(), "tls", "it is bad. Does the relay serve TLS here"),
        (ssl_error(code=10), "tls", "it is bad. Renew the certificate"),
        (ssl_error(code=18), "tls", "it is bad. No device trusts it by default"),
        (ssl_error(code=19), "tls", "it is bad. No device trusts it by default"),
        (ssl_error(code=21), "tls", "it is bad. Serve the certificate with its chain"),
        (
            ssl_error(code=26),
            "tls",
            "it is bad. It, or an authority in its chain, is not for servers",
        ),
        (ssl_error(code=47), "tls", "it is bad. An authority in its chain is not allowed to issue"),
        (ssl_error(code=62), "tls", "it is bad. Use a name in the certificate"),
        (ssl_error("WRONG_VERSION_NUMBER"), "tls", "wrong version number. This port speaks ws:/"),
        (
            ssl_error("SSLV3_ALERT_HANDSHAKE_FAILURE"),
            "tls",
            "sslv3 alert handshake failure. The s",
        ),
        (
            ssl_error("NO_SHARED_CIPHER"),
            "tls",
            "no shared cipher. The server and this machine have no cipher",
        ),
        (
            ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"),
            "tls",
            "tlsv1 alert protocol version. The TLS server is outdated",
        ),
        (ssl_error("UNEXPECTED_EOF_WHILE_READING"), "tls", "unexpected eof while reading. The con"),
        (ssl_error(code=9), "tls", "it is bad. Is this machine's clock correct?"),
        (ssl_error(code=67), "tls", "it is bad. Have the issuer's certificate replaced"),
        (ssl_error(code=68), "tls", "it is bad. It, or that of its issuer, is signed with SHA-1"),
        (ssl.SSLError(), "tls", "SSLError. Does the relay serve TLS here"),
        (Refused(503, "relay_full", "Full."), "upgrade", "Full. (503 relay_full)"),
        (
            Refused(403, "address_not_allowed", "No."),
            "upgrade",
            "No. (403 address_not_allowed) Its operator allows addresses with --allow-from",
        ),
        (TimeoutError(), "upgrade", "no answer in 20 s. A server accepts connections here"),
        (CancelledError(), "upgrade", "interrupted."),
        (
            Closed(1006, "peer dropped it"),
            "echo",
            "the connection ended without a close frame. The re",
        ),
        (Closed(1002, "the relay broke it"), "join", "closed with 1002 the relay broke it."),
        (FirstError(Failure(Closed(4000, "restart")), 0), "echo", "closed with 4000 restart. Th"),
        (FirstError(Failure(TimeoutError()), 1), "throughput", "no answer in 20 s."),
        (
            RuntimeError(repr(Failure(OSError()))),
            "echo",
            "an unexpected error, ",
        ),
        (KeyError("Traceback (most recent call last):"), "join", "an unexpected error, KeyError."),
        (OSError("first\nTraceback"), "name", "first. Is the host name spelled correctly"),
        (TimeoutError(), "join", "no answer in 20 s. Is there more than one relay behind this na"),
        (Closed(4504, "audience"), "join", "closed with 4504 audience. The device dialled a name"),
        (Closed(4506, "x"), "join", "closed with 4506 x. The operator does not allow this channel"),
        (Closed(4004, "a\x1bb"), "echo", "closed with 4004 a\\x1bb. The device did not read"),
    ],
)
def test_each_failure_is_told_with_where_to_look(error: Exception, step: str, said: str) -> None:
    told = explain(error, step, 20)
    assert told.startswith(said)
    assert "Traceback" not in told
    assert "Failure" not in told


@pytest.mark.parametrize(
    ("has_token", "is_wrong", "said"),
    [
        (False, False, " For this check, use --token-file FILE."),
        (True, True, "Ask its operator for another. (401 token_required)"),
        (True, False, " configure the proxy to forward the Authorization header."),
    ],
    ids=["none", "wrong", "lost"],
)
def test_a_token_that_is_missing_is_told_from_one_that_is_wrong_and_one_that_is_lost(
    has_token: bool, is_wrong: bool, said: str
) -> None:
    refusal = token_required(is_wrong)
    refused = Refused(refusal.status, refusal.error, refusal.detail)
    assert explain(refused, "upgrade", 20, has_token=has_token).endswith(said)
