"""Trust: handshakes of a server's context with clients in memory, and what these object to."""

import ssl
from contextlib import suppress
from pathlib import Path

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which the standard library has no name."""
_HANDSHAKE_ROUNDS = 4
_NO_ISSUER = (2, 20, 21)
_SELF_SIGNED = (18, 19)
"""Of OpenSSL's numbers for what is wrong with a certificate (X509_V_ERR_ in its x509_vfy.h)."""


def client_context(mode: ssl.VerifyMode = ssl.CERT_REQUIRED) -> ssl.SSLContext:
    """A client that takes any name, and as yet trusts no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = mode
    return context


def system_trust() -> ssl.SSLContext:
    """A client that trusts what this machine trusts. It takes 20 ms to make."""
    context = client_context()
    context.load_default_certs()
    return context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """The client's end of a handshake, as far as it went. Raises SSLError if it fails."""
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


def why_distrusted(
    server: ssl.SSLContext, trust: ssl.SSLContext, has_bad_dates: bool
) -> tuple[str, bool]:
    """Why a client refuses the server's certificate, and whether it lacks an issuer for it.

    Certificates that end at a root of their own are no matter: this machine need not know it.
    `has_bad_dates` leaves dates out, which would hide all else.
    """
    before = trust.verify_flags
    if has_bad_dates:
        trust.verify_flags |= NO_CHECK_TIME
    try:
        shake_hands(server, trust)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _NO_ISSUER:
            return "", _knows_authorities(trust)
        if error.verify_code not in _SELF_SIGNED:
            return error.verify_message, False
    except ssl.SSLError:
        # Of this machine's policy for clients, which may forbid what devices do not.
        pass
    finally:
        trust.verify_flags = before
    return "", False


def _knows_authorities(trust: ssl.SSLContext) -> bool:
    """Whether this machine trusts anybody. Minimal containers have no list of authorities."""
    if trust.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    with suppress(OSError):
        return folder is not None and any(Path(folder).iterdir())
    return False
