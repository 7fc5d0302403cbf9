"""OpenSSL's reasons for a failed handshake, as a client gets them, with their cures."""

_NOT_TLS = "This port speaks ws:// (HTTP), not TLS: dial ws://, or serve a certificate there."
_NOT_AGREED = (
    "The server and this machine have no cipher suite or key type in common: enable TLS 1.2 and "
    "1.3 on the server, with a certificate for a P-256 key, which every client accepts."
)
_TOO_OLD = (
    "The TLS server is outdated, or configured for old versions only: enable TLS 1.2 and 1.3."
)
_OTHER_NAME = "The server has no certificate for this name: have one issued for it."
_CUT_OFF = (
    "The connection was closed during the TLS handshake: by a firewall, or because the port "
    "expects a PROXY header before TLS."
)

CURES = {
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
    "HTTP_REQUEST": _NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": _NOT_TLS,
    "NO_SHARED_CIPHER": _NOT_AGREED,
    "NO_CIPHERS_AVAILABLE": _NOT_AGREED,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _NOT_AGREED,
    "SSL/TLS_ALERT_HANDSHAKE_FAILURE": _NOT_AGREED,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _NOT_AGREED,
    "WRONG_SIGNATURE_TYPE": _NOT_AGREED,
    "WRONG_CURVE": _NOT_AGREED,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "DH_KEY_TOO_SMALL": _TOO_OLD,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": _TOO_OLD,
    "TLSV1_UNRECOGNIZED_NAME": _OTHER_NAME,
    "TLSV1_ALERT_UNRECOGNIZED_NAME": _OTHER_NAME,
    "UNEXPECTED_EOF_WHILE_READING": _CUT_OFF,
}
"""By OpenSSL's reason. Its names for alerts changed with 3.2."""


def describe_tls_reason(reason: str | None) -> str:
    """Return OpenSSL's reason in the form for a sentence."""
    return (reason or "no reason given").lower().replace("_", " ")
