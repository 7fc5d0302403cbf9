"""Trust: handshakes of a server's context with clients in memory, and the clients' objections."""

import ssl
from contextlib import suppress
from pathlib import Path

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which the standard library has no name."""
_HANDSHAKE_ROUNDS = 4
_NO_ISSUER = (2, 20, 21)
_SELF_SIGNED = (18, 19)
"""OpenSSL's numbers of verification errors (X509_V_ERR_ in its x509_vfy.h)."""


def client_context(mode: ssl.VerifyMode = ssl.CERT_REQUIRED) -> ssl.SSLContext:
    """Return a client context that accepts any name, and does not trust any certificate yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = mode
    return context


def system_trust() -> ssl.SSLContext:
    """Return a client context with this machine's trust store. It takes 20 ms to make."""
    context = client_context()
    context.load_default_certs()
    return context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """Return the client's end of a handshake, complete or not. Raises SSLError if it fails."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(_HANDSHAKE_ROUNDS):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0]


def client_objection(
    server: ssl.SSLContext, trust: ssl.SSLContext, has_bad_dates: bool
) -> tuple[str, bool]:
    """Return why a client rejects the server's certificate, and whether it lacks an issuer.

    A chain to a root of its own is accepted: this machine need not know that root.
    `has_bad_dates` excludes dates, which would hide other faults.
    """
    before = trust.verify_flags
    if has_bad_dates:
        trust.verify_flags |= NO_CHECK_TIME
    try:
        shake_hands(server, trust)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _NO_ISSUER:
            return "", _has_authorities(trust)
        if error.verify_code not in _SELF_SIGNED:
            return error.verify_message, False
    except ssl.SSLError:
        # This machine's policy for clients may be stricter than that of devices.
        pass
    finally:
        trust.verify_flags = before
    return "", False


def _has_authorities(trust: ssl.SSLContext) -> bool:
    """Return whether this machine trusts any authority. Minimal containers have no list."""
    if trust.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    with suppress(OSError):
        return folder is not None and any(Path(folder).iterdir())
    return False
