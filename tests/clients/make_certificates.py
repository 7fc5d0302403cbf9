"""Makes the certificates of the conformance kit:

    python -m tests.clients.make_certificates

They are fixed files, since the relay depends on nothing that signs certificates, and valid for a
century, so that the kit of an old version still works. Their keys protect nothing.
"""

from datetime import UTC, datetime
from pathlib import Path

from tests.authority import Issued, ec_key, issue

CASES = Path(__file__).parents[2] / "vaultrelay" / "conformance" / "cases"
NAME = "relay.test"
STARTS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
EXPIRED = datetime(2026, 2, 1, tzinfo=UTC)


def main() -> None:
    """Write all of them anew."""
    key = ec_key()
    root, other_root = (
        issue((), subject=subject, authority=True, starts=STARTS, ends=ENDS)
        for subject in ("conformance kit", "unknown root")
    )

    def leaf(name: str, issuer: Issued, ends: datetime = ENDS) -> bytes:
        found = issue((name,), key=key, issuer=issuer, subject=name, starts=STARTS, ends=ends)
        return found.pem + found.key_pem

    contents = {
        "root": root.pem,
        "valid": leaf(NAME, root),
        "expired": leaf(NAME, root, EXPIRED),
        "other-name": leaf("other.test", root),
        "untrusted": leaf(NAME, other_root),
    }
    for name, pem in contents.items():
        (CASES / f"{name}.pem").write_bytes(pem)


if __name__ == "__main__":
    main()
