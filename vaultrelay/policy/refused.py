"""The reasons for refusals in words, by slug."""

REFUSED = {
    "no_http": "spoke no HTTP, as who dials wss: where the relay speaks ws",
    "silent": "connected and said nothing",
    "crowded_out": "made room for the next at a crowded front door",
    "request_timeout": "did not finish the request in time",
    "head_too_large": "sent a request head that is too large",
    "upgrade_lost": "asked for a WebSocket with a part of the upgrade missing: a proxy removed it",
    "proxy_unexpected": "began with a PROXY header on a port that expects none",
    "proxy_missing": "began without a valid PROXY header on a port that expects one",
    "bad_request": "broke the rules of HTTP or WebSocket; perhaps a proxy did",
    "method_not_allowed": "asked with another method than GET or HEAD",
    "token_required": "brought no access token, or a wrong one",
    "address_not_allowed": "came from a network address that the operator does not allow",
    "origin_not_allowed": "came from web pages of an origin that the operator does not allow",
    "not_found": "asked for a WebSocket at a path where there is none",
    "protocol_unsupported": "speak no protocol version that the relay knows: app or relay is old",
    "tls_no_tls": "spoke no TLS, as who dials ws: where the relay speaks wss",
    "tls_version": "know only versions of TLS that are too old",
    "tls_suites": "know no cipher suite or key that the relay has; every client knows P-256",
    "tls_distrust": "do not trust the relay's certificate",
    "tls_left": "left in the middle of the TLS handshake",
    "tls_other": "failed in the TLS handshake in another way",
    "draining": "came while the relay was about to stop",
    "relay_full": "found the relay full",
    "address_full": "came from a network address that has all its places",
    "address_waiting": "came from a network address with too many at the front door",
    "address_rate": "came from a network address that connects too fast",
    "address_joins": "came from a network address that joins too fast",
    "network_full": "came from a network (/24, /56 or /48) that has all its devices",
    "network_waiting": "came from a network (/24, /56 or /48) with too many at the front door",
    "network_rate": "came from a network (/24, /56 or /48) that connects too fast",
    "network_joins": "came from a network (/24, /56 or /48) that joins too fast",
    "bad_message": "named one channel and asked for another",
    "audience": "dialled a name that is not this relay's, or a proxy changed it",
    "not_allowed": "asked for a channel that the operator does not allow",
    "proof": "did not prove that they hold the channel's key",
    "channel_full": "found their channel full",
}
"""By slug: what the refused clients did, as the end of a sentence. The keys are the outcomes of the
metric too, so that each is exported from the start; a test compares them with the source."""

PROBED_HANDSHAKES = frozenset({"tls_left", "tls_version"})
"""Handshakes that a port scan leaves unfinished, and a device does not."""
