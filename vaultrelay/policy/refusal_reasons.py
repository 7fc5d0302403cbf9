"""The reasons for refusals in words, by slug."""

REFUSED = {
    "no_http": "did not speak HTTP, such as a wss:// client on a ws:// port",
    "silent": "connected and sent nothing",
    "crowded_out": "were evicted for newer ones: too many connections were pending",
    "request_timeout": "did not finish the request in time",
    "head_too_large": "sent a request head that is too large",
    "upgrade_lost": "sent an incomplete WebSocket upgrade: a proxy removed a part of it",
    "proxy_unexpected": "began with a PROXY header on a port that expects none",
    "proxy_missing": "began without a valid PROXY header on a port that expects one",
    "bad_request": "broke a rule of HTTP or WebSocket, or a proxy did",
    "method_not_allowed": "used a method other than GET and HEAD",
    "token_required": "sent no access token, or a wrong one",
    "address_not_allowed": "came from a network address that the operator does not allow",
    "origin_not_allowed": "came from web pages of an origin that the operator does not allow",
    "not_found": "requested a WebSocket at an unknown path",
    "protocol_unsupported": "support no protocol version of this relay: app or relay is outdated",
    "tls_no_tls": "did not speak TLS, such as a ws:// client on a wss:// port",
    "tls_version": "support only versions of TLS that are too old",
    "tls_suites": "support no cipher suite or key type of this relay; all support P-256",
    "tls_distrust": "do not trust the relay's certificate",
    "tls_left": "disconnected during the TLS handshake",
    "tls_other": "failed the TLS handshake for another reason",
    "draining": "came while the relay was stopping",
    "relay_full": "found the relay full",
    "overloaded": "came when more devices joined than the relay can let in at once",
    "address_full": "came from a network address at its limit of devices",
    "address_waiting": "came from a network address with too many pending connections",
    "address_rate": "came from a network address that connects too often",
    "address_joins": "came from a network address that joins too often",
    "network_full": "came from a network (/24, /56 or /48) at its limit of devices",
    "network_waiting": "came from a network (/24, /56 or /48) with too many pending connections",
    "network_rate": "came from a network (/24, /56 or /48) that connects too often",
    "network_joins": "came from a network (/24, /56 or /48) that joins too often",
    "bad_message": "named one channel in the upgrade and another in the hello",
    "audience": "dialled a host name that is not this relay's, or a proxy changed it",
    "not_allowed": "requested a channel that the operator does not allow",
    "proof": "did not prove that they hold the channel's key",
    "channel_full": "found their channel full",
}
"""By slug: what the refused clients did, as the end of a sentence. The keys are the outcomes of the
metric too, so that each is exported from the start; a test compares them with the source."""

PROBED_HANDSHAKES = frozenset({"tls_left", "tls_version"})
"""Handshakes that a port scan leaves unfinished, and a device does not."""
