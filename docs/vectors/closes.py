"""Close codes and close reasons."""

from vectors.common import Json


def close_codes() -> list[Json]:
    """Every close code of the protocol, also those that no relay gives yet."""
    table = {
        4000: "restart",
        4001: "idle",
        4002: "ping_timeout",
        4003: "hello_timeout",
        4004: "slow",
        4005: "rate",
        4006: "relay_full",
        4007: "memory",
        4008: "internal",
        4009: "resync",
        4500: "protocol",
        4501: "bad_message",
        4502: "too_big",
        4503: "proof",
        4504: "audience",
        4506: "not_allowed",
        4507: "channel_full",
        4509: "replaced",
        4510: "kicked",
    }
    first_lasting = 4500
    retries = {code: None if code < first_lasting else 0 for code in table} | {4509: 1}
    return [
        {"code": code, "slug": slug, "may_return": retries[code] != 0, "retries": retries[code]}
        for code, slug in table.items()
    ]


def close_reasons() -> list[Json]:
    """Reason texts of close frames, taken apart."""
    found: list[tuple[int, str, str, dict[str, str]]] = [
        (4000, "restart", "restart", {}),
        (4005, "rate;retry=30", "rate", {"retry": "30"}),
        (4006, "relay_full;retry=60", "relay_full", {"retry": "60"}),
        (4008, "internal;ref=a1b2c3", "internal", {"ref": "a1b2c3"}),
        (4501, "bad_message;rule=nonce_length", "bad_message", {"rule": "nonce_length"}),
        (4502, "too_big;limit=1048576", "too_big", {"limit": "1048576"}),
        (4503, "proof;rule=signature", "proof", {"rule": "signature"}),
    ]
    return [
        {"code": code, "text": text, "slug": slug, "details": details}
        for code, text, slug, details in found
    ]
