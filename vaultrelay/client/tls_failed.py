"""TlsFailed: why there is no TLS with a relay, for its user."""

from vaultrelay.policy.tls_reasons import CURES, describe_tls_reason


class TlsFailed(Exception):
    """The TLS handshake failed. The text names the host, the cause and the remedy."""


class Untrusted(TlsFailed):
    """The relay's certificate is not trusted, or not for the host. Only the user may dial again."""


def handshake_failed(host: str, reason: str) -> TlsFailed:
    """Return the error for one of OpenSSL's reasons, such as "wrong version number"."""
    cure = CURES.get(reason.upper().replace(" ", "_"), "Does the relay serve TLS on this port?")
    return TlsFailed(f"No TLS with {host}: {describe_tls_reason(reason)}. {cure}")
